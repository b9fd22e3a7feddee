// The review page. A picture is asked for only when it is revealed; until then there is nothing here but its veil.
const AHEAD = 8; // pictures that are made ready
const KEPT = 40; // veils that are kept
const OFFERED = 100; // images of which the server hands out one
const $ = (id) => document.getElementById(id);
const store = {
  get: (name, other) => JSON.parse(sessionStorage.getItem(name) ?? JSON.stringify(other)),
  set: (name, value) => sessionStorage.setItem(name, JSON.stringify(value)),
};

let start; // what the server says once
let order = []; // positions of images, the next ones last
let at = 0;
let filter = "";
let item = null;
let questions = [];
let looked = false; // the picture was revealed since it came up
let lookedAt = 0; // when
let because = {}; // reason and note for the answers about this picture
let busy = false;
const tab = crypto.randomUUID(); // this page, among those that show images
const passed = new Set(); // images that were shown since the queue was loaded
let since = 0; // up to here in the journal the queue is right
let opening = Promise.resolve(); // one image at a time is asked for
let turn = 0; // of those who want to show an image, the newest
const veils = new Map(); // image -> promise of a blob address
const history = store.get("history", []); // own answers, to take back: [number, image]

async function ask(path, body) {
  const options = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer. Start “manifest-tools review” again; every answer before this one is saved.");
  }
  if (!answer.ok) {
    const text = await answer.text();
    let told = text;
    try { told = JSON.parse(text).error; } catch { /* plain text */ }
    throw new Error(told || `The server answered ${answer.status}.`);
  }
  return answer;
}

function problem(error) {
  $("problem").textContent = error ? error.message : "";
  $("problem").hidden = !error;
}

const inWords = (truth) => (truth === null ? "unsure" : truth ? "present" : "absent");
const say = (text) => { $("said").textContent = text; };

// What is made ready

function remember(map, key, make, forget = () => {}) {
  if (!map.has(key)) {
    const made = make();
    made.catch(() => map.delete(key));
    map.set(key, made);
    for (const old of [...map.keys()].slice(0, Math.max(0, map.size - KEPT))) {
      map.get(old).then(forget, () => {});
      map.delete(old);
    }
  }
  return map.get(key);
}

const label = () => new URLSearchParams(filter).get("label") ?? "";
const blobOf = async (path) => URL.createObjectURL(await (await ask(path)).blob());
const veilOf = (image) => remember(veils, image, () => blobOf(`veil/${image}`), URL.revokeObjectURL);

function prepareAhead() {
  for (const image of order.slice(at + 1, at + 1 + AHEAD)) {
    veilOf(image).catch(() => {});
  }
}

// What is shown

function hide() {
  $("views").hidden = true;
  for (const picture of [$("picture"), $("people")]) {
    if (picture.src) URL.revokeObjectURL(picture.src);
    picture.removeAttribute("src");
    picture.alt = "";
  }
  $("veil").hidden = false;
  $("cover").hidden = false;
  $("stage").classList.remove("shown");
  $("stage").setAttribute("aria-label", "Picture, hidden. Reveal it");
}

async function reveal() {
  if (!item || busy) return;
  if ($("stage").classList.contains("shown")) return hide();
  const shown = item;
  const answer = await ask(`picture/${shown.index}`);
  const two = answer.headers.get("Seen-By-People") === "otherwise";
  const addresses = [URL.createObjectURL(await answer.blob()), two ? await blobOf(`people/${shown.index}`) : null];
  if (item !== shown || $("stage").classList.contains("shown")) return addresses.forEach((one) => one && URL.revokeObjectURL(one));
  const names = two ? ["What the model sees", "What people see"] : ["The picture", ""];
  const pictures = [$("picture"), $("people")].slice(0, two ? 2 : 1);
  pictures.forEach((picture, place) => { picture.src = addresses[place]; picture.alt = names[place]; });
  await Promise.all(pictures.map((picture) => picture.decode()));
  if (item !== shown) return;
  lookedAt = looked ? lookedAt : performance.now();
  looked = true;
  document.querySelectorAll("#views .named, #other").forEach((part) => { part.hidden = !two; });
  $("views").hidden = false;
  $("veil").hidden = true;
  $("cover").hidden = true;
  $("stage").classList.add("shown");
  const apart = two ? " People see another picture than the model; both are shown." : "";
  $("stage").setAttribute("aria-label", `Picture, revealed.${apart} Hide it`);
  problem(null);
}

// Ask for the first image from here on that nobody else has open or has answered meanwhile.
function handOut(again) {
  const body = { tab, images: again ? [order[at]] : order.slice(at, at + OFFERED), since, again, needed: !filter, label: label() };
  opening = opening.catch(() => {}).then(async () => (await ask("api/open", body)).json());
  return opening;
}

async function findNext(again, mine) {
  let others = 0;
  for (let more = true; more;) {
    while (at < order.length) {
      const told = await handOut(again);
      if (turn !== mine) return null;
      others += told.others;
      if (told.item || again) return told.item;
      order.splice(at, OFFERED);
    }
    more = await loadMore();
    if (turn !== mine) return null;
  }
  await handOut(false); // lets go of what was shown
  if (turn === mine) showEnd(others);
  return null;
}

async function loadMore() {
  const told = await (await ask(`api/queue?${filter}`)).json();
  since = told.since;
  const fresh = told.order.filter((image) => !passed.has(image) && !order.includes(image));
  order.push(...fresh);
  return fresh.length > 0;
}

async function show({ again = passed.has(order[at]) } = {}) {
  const began = performance.now();
  const mine = ++turn;
  hide();
  item = null;
  looked = false;
  keepReason({});
  toggle("zoom", false);
  $("veil").removeAttribute("src");
  $("alike").checked = false;
  if (at < order.length) veilOf(order[at]).catch(() => {});
  const found = await findNext(again, mine);
  if (turn !== mine) return;
  if (!found) {
    if (!again) return;
    say("Somebody else has looked at that picture since.");
    at += 1;
    return show();
  }
  const image = found.index;
  order.splice(at, order.indexOf(image, at) - at); // what lies between is with others
  passed.add(image);
  document.body.dataset.image = image;
  const veil = veilOf(image).catch((error) => error);
  item = found;
  questions = [...found.questions];
  $("alike").checked = found.alike > 0 && !found.answered && !start.adjudicating && !questions.some(({ conflict }) => conflict);
  const address = await veil;
  if (item !== found) return;
  if (address instanceof Error) problem(new Error(`This picture cannot be shown: ${address.message}`));
  else $("veil").src = address;
  $("name").textContent = found.name + (found.split ? ` · ${found.split}` : "");
  $("together").hidden = !found.alike;
  $("together").querySelector("span").textContent = `Answer for ${found.alike} look-alike${found.alike === 1 ? "" : "s"} too`;
  $("others").hidden = true;
  showKnown();
  showQuestion();
  showPlace();
  $("stage").disabled = false;
  $("stage").focus({ preventScroll: true });
  performance.measure("next", { start: began, end: performance.now() });
  document.body.dataset.ready = `${image}:${at}`;
  prepareAhead();
}

function showEnd(others) {
  $("title").textContent = passed.size ? "That was the last one." : "Nothing is waiting.";
  $("others").hidden = !others;
  $("others").textContent = `${others === 1 ? "One picture is" : `${others} pictures are`} open with others. Press → to look again.`;
  $("why").textContent = "";
  $("score").textContent = "";
  $("definition").hidden = false;
  $("definition").textContent = "Choose another filter, or finish and run “manifest-tools prepare” or “check” again.";
  $("name").textContent = "";
  $("known").replaceChildren();
  $("together").hidden = true;
  $("stage").disabled = true;
  $("cover").hidden = true;
  $("doubt").textContent = "";
  showPlace();
  showHeldBack().catch(problem);
  document.body.dataset.ready = "end";
}

// What nobody is asked about, since the answer can change nothing any more.
async function showHeldBack() {
  const ended = turn;
  const { held_back: held } = await (await ask("api/progress")).json();
  const why = [];
  if (held.enough) why.push(`${held.enough.toLocaleString()} of labels that have enough confirmed mistakes`);
  if (held.set_aside) why.push(`${held.set_aside.toLocaleString()} that “select” set aside`);
  if (turn !== ended || !why.length || filter) return;
  $("score").textContent = `Not asked, since the answer can change nothing any more: pictures ${why.join(" and ")}. To confirm them all the same, press F and tick “Also those whose answer changes nothing”.`;
}

function showQuestion() {
  const [question] = questions;
  showDefinition();
  for (const name of ["yes", "no"]) document.querySelector(`[data-do=${name}]`).disabled = !question;
  if (!question) {
    $("why").textContent = item.answered ? "Answered already" : item.known.length ? "Nothing is open" : "Nobody labelled this yet";
    $("title").textContent = "What does the picture show?";
    $("score").textContent = $("doubt").textContent = "";
    $("definition").textContent = "Add every label that is there, or say that it is safe.";
    return;
  }
  const open = questions.length > 1 ? ` · ${questions.length} questions` : "";
  const why = question.truth === "unknown" ? "Nobody looked for this" : `Labelled ${question.truth} so far`;
  const differ = question.differ && `People differ: ${question.differ.map(inWords).join(", ")}`;
  const models = question.differing ? "Adapter and base model differ" : why;
  $("why").textContent = (differ || (question.conflict ? "Look-alikes disagree" : models)) + open;
  $("title").textContent = `${question.label}?`;
  const below = question.detail.map((part) => `${part.label} ${part.score}\u00a0%`).join(", ");
  $("doubt").textContent = question.doubt ? `Probably wrong: ${question.doubt}.` : "";
  $("score").textContent = question.hidden ? "The base model’s score is hidden: this picture is for two people."
    : question.score === null ? "The base model does not report it."
    : `Base model: ${question.score}\u00a0%${below ? ` (${below})` : ""}`;
  $("definition").textContent = question.definition;
}

function showDefinition(shown = store.get("definition", true)) {
  store.set("definition", shown);
  $("definition").hidden = !shown;
  document.querySelector("[data-do=define]").setAttribute("aria-expanded", String(shown));
}

function showKnown() {
  const lines = item.known.map(({ label: name, truth, source }) => {
    const line = document.createElement("li");
    line.textContent = `${name}: ${inWords(truth)} (${source})`;
    return line;
  });
  const remarks = item.remarks.map((text) => {
    const line = document.createElement("li");
    line.textContent = text;
    return line;
  });
  $("known").replaceChildren(...titled("Said so far", lines), ...titled("Reasons and notes", remarks));
}

function titled(text, lines) {
  const title = document.createElement("h3");
  title.textContent = text;
  const list = document.createElement("ul");
  list.append(...lines);
  return lines.length ? [title, list] : [];
}

function showPlace() {
  const here = order.length ? `${Math.min(at + 1, order.length).toLocaleString()} of ${order.length.toLocaleString()}` : "0";
  $("place").textContent = `${here}${filter ? " · filtered" : ""}${start.adjudicating ? " · adjudication" : ""} · ${start.reviewer}`;
}

async function showProgress() {
  const told = await (await ask("api/progress")).json();
  const rows = told.labels.map((line) => {
    const row = document.createElement("tr");
    row.classList.toggle("target", line.target);
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = line.label;
    row.append(head);
    for (const [name, needed] of [["fp", told.need_fp], ["fn", told.need_fn], ["tp", 0], ["tn", 0]]) {
      const cell = row.insertCell();
      cell.textContent = needed ? `${line[name]}/${needed}` : line[name];
      cell.classList.toggle("reached", needed > 0 && line[name] >= needed);
    }
    return row;
  });
  document.querySelector("#progress tbody").replaceChildren(...rows);
  $("exposure").textContent = `You, in all sessions: ${told.exposure}.`;
  document.body.dataset.answered = told.answered;
}

// What is answered

async function answer(answers, { stay = false } = {}) {
  if (!item || busy) return;
  if (!looked && answers.some(({ truth }) => truth !== null)) return say("Reveal the picture first.");
  busy = true;
  try {
    const together = $("alike").checked;
    const seconds = looked ? Math.round((performance.now() - lookedAt) / 100) / 10 : null;
    const body = { image: item.index, answers, together, id: crypto.randomUUID(), seconds, ...because };
    const { number } = await (await ask("api/answer", body)).json();
    problem(null);
    history.push([number, item.index]);
    store.set("history", history.slice(-500));
    const words = answers.map(({ label: name, truth }) => `${name}: ${truth === null ? "unsure" : truth ? "yes" : "no"}`);
    say(`Saved. ${words.join(", ")}${together ? `, and ${item.alike} more` : ""}`);
    busy = false;
    if (stay) {
      item.known.push(...answers.map((said) => ({ ...said, source: `review:${start.reviewer}` })));
      questions = questions.filter(({ label: name }) => !answers.some((said) => said.label === name));
      showKnown();
      return showQuestion();
    }
    questions.shift();
    if (questions.length && !answers.some((said) => said.label === start.safe)) {
      return showQuestion();
    }
    await next();
  } finally {
    busy = false;
    showProgress().catch(problem); // counts take longer than the next picture may
  }
}

const judge = (truth) => questions.length && answer([{ label: questions[0].label, truth }]);
const unsure = () => answer([{ label: questions.length ? questions[0].label : start.safe, truth: null }]);
const safe = () => answer([{ label: start.safe, truth: true }]);

async function undo() {
  if (busy) return;
  busy = true;
  try {
    const [number, image] = history.pop() ?? [0, null];
    store.set("history", history);
    const undone = await (await ask("api/undo", { number, id: crypto.randomUUID() })).json();
    if (!undone) return say("There is nothing to take back.");
    say("Taken back.");
    showProgress().catch(problem);
    const back = image ?? undone.images[0];
    if (back !== undefined) {
      const place = order.indexOf(back);
      if (place < 0) order.splice(at, 0, back); else at = place;
    }
  } finally {
    busy = false;
  }
  await show({ again: true });
}

async function next() {
  if (!item) return show();
  at = Math.min(at + 1, order.length);
  const seen = store.get("seen", 0) + 1;
  store.set("seen", seen);
  await show();
  if (seen >= start.most) pause(`You have been through ${seen} pictures: enough for one session. Everything is saved.`, true);
  else if (seen % start.pause_after === 0) pause(`${seen} pictures. Look away for a few minutes.`);
}

async function back() {
  if (at === 0) return say("This is the first one.");
  at -= 1;
  await show({ again: true });
}

// Dialogs

function pause(text, end = false) {
  hide();
  if (end) store.set("seen", 0);
  $("pause").textContent = text;
  $("pausing").showModal();
}

function add() {
  if (!item) return;
  if (!looked) return say("Reveal the picture first.");
  $("typed").value = "";
  offer();
  $("adding").showModal();
  $("typed").focus();
}

const folded = (text) => text.toLowerCase().replaceAll("&", "and");

function offer() {
  const words = folded($("typed").value).split(/\s+/).filter(Boolean);
  const found = start.taxonomy.filter(({ name }) => words.every((word) => folded(name).includes(word)));
  $("choices").replaceChildren(...found.map(({ name, definition }, number) => {
    const line = document.createElement("li");
    const note = document.createElement("small");
    line.id = `choice-${number}`;
    line.role = "option";
    line.dataset.label = name;
    line.textContent = name;
    note.textContent = definition;
    line.append(note);
    return line;
  }));
  choose(0);
}

function choose(number) {
  const lines = [...$("choices").children];
  lines.forEach((line, place) => line.setAttribute("aria-selected", String(place === number)));
  if (lines[number]) {
    $("typed").setAttribute("aria-activedescendant", lines[number].id);
    lines[number].scrollIntoView({ block: "nearest" });
  } else $("typed").removeAttribute("aria-activedescendant");
}

function take(line) {
  if (!line) return;
  $("adding").close();
  run(() => answer([{ label: line.dataset.label, truth: true }], { stay: true }));
}

function fillReasons() {
  const form = $("reasoning").querySelector("form");
  const codes = Object.entries(start.reasons);
  form.elements.reason.replaceChildren(new Option("none", ""), ...codes.map(([code, text]) => new Option(text ? `${code} · ${text}` : code, code)));
  form.elements.note.maxLength = start.longest_note;
  $("codes").hidden = !codes.length;
}

function reason() {
  if (!item) return;
  const { elements } = $("reasoning").querySelector("form");
  elements.reason.value = because.reason ?? "";
  elements.note.value = because.note ?? "";
  $("reasoning").showModal();
  elements[$("codes").hidden ? "note" : "reason"].focus();
}

function keepReason(given) {
  because = Object.fromEntries(Object.entries(given).filter(([, text]) => text.trim()));
  $("because").hidden = !Object.keys(because).length;
  $("because").textContent = `Reason: ${Object.values(because).join(" · ")}`;
}

function fillFilter() {
  const form = $("filtering").querySelector("form");
  const counted = { content_type: start.content_types, finding: start.findings };
  const lists = { label: start.labels, outcome: start.outcomes, split: start.splits };
  for (const [name, counts] of Object.entries(counted)) lists[name] = Object.keys(counts);
  for (const [name, values] of Object.entries(lists)) {
    const text = (value) => (name in counted ? `${value} (${counted[name][value]})` : value.replaceAll("-", " "));
    form.elements[name].replaceChildren(new Option("any", ""), ...values.map((value) => new Option(text(value), value)));
  }
}

async function applyFilter() {
  const form = new FormData($("filtering").querySelector("form"));
  filter = new URLSearchParams([...form].filter(([, value]) => value)).toString();
  $("filtering").close();
  await load();
}

async function load() {
  order = [];
  passed.clear();
  at = 0;
  await loadMore();
  await show();
}

async function finish() {
  hide();
  item = null;
  await ask("api/end", {});
  if ($("pausing").open) $("pausing").close();
  document.querySelector("main").hidden = true;
  $("place").textContent = "Finished. Every answer is saved; this page can be closed.";
}

// Keys and pointers

function toggle(name, on = !document.body.classList.contains(name)) {
  document.body.classList.toggle(name, on);
  document.querySelector(`[data-do=${name}]`).setAttribute("aria-pressed", String(on));
}

const actions = {
  reveal, undo, next, back, add, finish, safe, unsure, reason,
  yes: () => judge(true),
  no: () => judge(false),
  grey: () => toggle("grey"),
  zoom: () => {
    toggle("zoom");
    const frame = $("frame");
    frame.scrollTo((frame.scrollWidth - frame.clientWidth) / 2, (frame.scrollHeight - frame.clientHeight) / 2);
  },
  define: () => showDefinition($("definition").hidden),
  filter: () => $("filtering").showModal(),
  help: () => $("helping").showModal(),
  together: () => { if (!$("together").hidden) $("alike").checked = !$("alike").checked; },
};
const keys = {
  " ": "reveal", y: "yes", n: "no", u: "unsure", s: "safe", a: "add", z: "undo", r: "reason", l: "together",
  arrowleft: "back", arrowright: "next", g: "grey", x: "zoom", d: "define", f: "filter", "?": "help",
};

async function run(action) {
  try {
    await action();
  } catch (error) {
    hide();
    problem(error);
  }
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-do]");
  if (button) run(actions[button.dataset.do]);
  if (target.closest("[data-close]")) target.closest("dialog").close();
  const line = target.closest("#choices li");
  if (line) take(line);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.querySelector("dialog[open]")) return;
  const onButton = event.target.closest("button, summary, input");
  if (event.key === " " && onButton && onButton.id !== "stage") return;
  const name = keys[event.key.toLowerCase()];
  if (!name || !start) return;
  event.preventDefault();
  run(actions[name]);
});
document.addEventListener("keyup", (event) => { // a button also answers to the key's release
  if (event.key === " " && event.target.id === "stage") event.preventDefault();
});

$("typed").addEventListener("input", offer);
$("typed").addEventListener("keydown", (event) => {
  const lines = [...$("choices").children];
  const chosen = lines.findIndex((line) => line.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown") choose(Math.min(chosen + 1, lines.length - 1));
  else if (event.key === "ArrowUp") choose(Math.max(chosen - 1, 0));
  else if (event.key === "Enter") take(lines[chosen]);
  else return;
  event.preventDefault();
});
$("filtering").querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  run(applyFilter);
});
$("reasoning").querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  keepReason(Object.fromEntries(new FormData(event.target)));
  $("reasoning").close();
});
addEventListener("pagehide", () => { // what was shown is free for others
  turn += 1;
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, keepalive: true };
  fetch("api/open", { ...options, body: JSON.stringify({ tab, images: [] }) }).catch(() => {});
});
document.addEventListener("visibilitychange", () => { if (document.hidden) hide(); });

run(async () => {
  start = await (await ask("api/start")).json();
  fillFilter();
  fillReasons();
  await Promise.all([load(), showProgress()]);
});
