
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const MOST = 200; // rows of one code that are drawn at once
  const number = (value) => value.toLocaleString("en-US");
  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  document.querySelectorAll(".needs-script").forEach((part) => { part.hidden = false; });

  // Pictures: hidden until the reader asks for one, or for those of a group together.
  document.addEventListener("click", (event) => {
    const together = event.target.closest("button.together");
    if (together) {
      const open = together.getAttribute("aria-expanded") === "true";
      const members = together.closest("details").querySelectorAll(`button.reveal[aria-expanded="${open}"]`);
      members.forEach((button) => button.click());
      together.closest("details").classList.toggle("side-by-side", !open);
      together.setAttribute("aria-expanded", String(!open));
      together.firstChild.textContent = open ? "Show the pictures side by side" : "Hide the pictures";
      return;
    }
    const button = event.target.closest("button.reveal");
    if (!button) return;
    const open = button.getAttribute("aria-expanded") === "true";
    if (open) {
      button.nextElementSibling.remove();
    } else {
      const [source, both] = data.pictures[Number(button.dataset.picture)];
      const picture = element("img", "", "shown-picture");
      picture.src = source;
      picture.alt = button.querySelector(".apart").textContent.replace(/^ of /, "Picture: ");
      const shown = element("figure");
      shown.append(picture);
      if (both) shown.append(element("figcaption", "Left: what the model sees. Right: what people see."));
      button.after(shown);
    }
    button.setAttribute("aria-expanded", String(!open));
    button.firstChild.textContent = open ? "Show picture" : "Hide picture";
  });

  // Pairs that are no look-alikes: a page cannot write, so it gives them as a file for the next run.
  const parted = document.getElementById("parted");
  const cell = (name) => `"${name.replace(/"/g, '""')}"`;
  document.querySelectorAll("button.part").forEach((button) => button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    const pairs = [...document.querySelectorAll('button.part[aria-pressed="true"]')];
    const rows = pairs.map((one) => {
      const members = data.alike[Number(one.dataset.group)];
      return `${cell(members[0])},${cell(members[Number(one.dataset.member)])}\n`;
    });
    parted.hidden = !pairs.length;
    parted.firstElementChild.textContent = pairs.length === 1 ? "1 pair is marked." : `${pairs.length} pairs are marked.`;
    parted.querySelector("a").href = `data:text/csv;charset=utf-8,${encodeURIComponent(`image,other\n${rows.join("")}`)}`;
  }));

  // Findings: filter by severity, search in everything that the page holds, list more of a code.
  const groups = [...document.querySelectorAll("details.group")].map((details) => ({
    details,
    body: details.querySelector("tbody"),
    more: details.querySelector(".more"),
    first: [...details.querySelectorAll("tbody tr")],
    rest: details.querySelector(".more")?.textContent,
    open: details.open,
    rows: data.findings[Number(details.dataset.group)],
  }));
  const search = document.getElementById("search");
  const counting = document.getElementById("counting");
  const matches = document.getElementById("matches");

  const drawRow = ([place, message, fix, , picture]) => {
    const row = element("tr");
    const where = element("td");
    where.append(element("bdi", place, "name"));
    if (picture >= 0) {
      const button = element("button", "Show picture", "reveal");
      button.type = "button";
      button.dataset.picture = picture;
      button.setAttribute("aria-expanded", "false");
      button.append(element("span", ` of ${place}`, "apart"));
      where.append(" ", button);
    }
    const what = element("td", message);
    if (fix) what.append(element("br"), element("strong", "Fix: "), fix);
    row.append(where, what);
    return row;
  };
  const draw = (group, rows, from = 0) => {
    const next = rows.slice(from, from + MOST).map(drawRow);
    if (from) group.body.append(...next); else group.body.replaceChildren(...next);
    if (!group.more) return;
    const left = rows.length - from - MOST;
    group.more.replaceChildren();
    if (left > 0) {
      const button = element("button", `Show ${number(Math.min(left, MOST))} more`);
      button.type = "button";
      button.addEventListener("click", () => draw(group, rows, from + MOST));
      group.more.append(button, `${number(left)} more here`);
    }
  };
  const reset = (group) => {
    group.body.replaceChildren(...group.first);
    if (!group.more) return;
    group.more.replaceChildren(group.rest);
    if (group.rows.length <= data.places) return;
    const button = element("button", `Show ${number(Math.min(group.rows.length, MOST))}`);
    button.type = "button";
    button.addEventListener("click", () => draw(group, group.rows));
    group.more.prepend(button);
  };
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const severities = new Set([...document.querySelectorAll(".severity:checked")].map((box) => box.value));
    let found = 0;
    for (const group of groups) {
      const { details } = group;
      const wanted = severities.has(details.dataset.severity) && (!counting.checked || Number(details.dataset.counting));
      const code = details.querySelector("summary .code").textContent;
      const fits = (row) => {
        const text = `${code} ${row[0]} ${row[1]}`.toLowerCase();
        return !(counting.checked && row[3]) && words.every((word) => text.includes(word));
      };
      const narrowed = words.length || counting.checked;
      const rows = wanted && narrowed ? group.rows.filter(fits) : group.rows;
      details.hidden = !wanted || (narrowed && !rows.length);
      if (details.hidden) continue;
      found += rows.length;
      if (narrowed) draw(group, rows); else reset(group);
      details.open = words.length ? true : group.open;
    }
    matches.textContent = words.length || counting.checked || severities.size < 3
      ? `${number(found)} findings match, of those that this page holds.` : "";
  };
  if (search) {
    groups.forEach(reset);
    search.addEventListener("input", filter);
    // Leaving the search box is a change too, but must not redraw the row whose button is being pressed.
    search.form.addEventListener("change", (event) => { if (event.target !== search) filter(); });
    search.form.addEventListener("submit", (event) => event.preventDefault());
  }

  // The threshold: outcomes at every whole per cent were counted beforehand.
  const slider = document.getElementById("threshold");
  if (slider) {
    const table = document.getElementById("confusion");
    const least = { 1: Number(table.dataset.positives), 2: Number(table.dataset.negatives) };
    const { thresholds, counts } = data.confusion;
    const percent = (part, whole) => (whole ? `${Math.round((100 * part) / whole)} %` : "none");
    const update = () => {
      const at = Number(slider.value);
      const side = document.querySelector("input[name=side]:checked")?.value || "train";
      const shown = `${thresholds[at]} %`;
      document.getElementById("threshold-shown").textContent = shown;
      document.getElementById("side-shown").textContent = side === "train" ? "training" : "test";
      slider.setAttribute("aria-valuetext", shown);
      [...table.tBodies[0].rows].forEach((row, label) => {
        const outcomes = counts[side][label].map((series) => series[at]);
        const [tp, fp, fn] = outcomes;
        const cells = [...row.querySelectorAll("td")];
        outcomes.forEach((count, position) => {
          cells[position].textContent = number(count);
          if (side === "train" && least[position] && count >= least[position]) {
            const mark = element("span", "✓", "reached");
            mark.setAttribute("aria-hidden", "true");
            cells[position].append(" ", mark, element("span", ` (minimum of ${least[position]} reached)`, "apart"));
          }
        });
        cells[5].textContent = percent(tp, tp + fp);
        cells[6].textContent = percent(tp, tp + fn);
        const total = tp + fp + fn || 1;
        let x = 0;
        [fn, tp, fp].forEach((count, part) => {
          const rect = row.querySelector(`.part-${part + 1}`);
          rect.setAttribute("x", x);
          rect.setAttribute("width", (100 * count) / total);
          x += (100 * count) / total;
        });
      });
    };
    slider.form.addEventListener("input", update);
    slider.form.addEventListener("submit", (event) => event.preventDefault());
    update();
  }
})();
