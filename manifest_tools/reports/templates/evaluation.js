"use strict";
(() => {
  // Pictures are drawn when they are asked for, and not before.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.reveal");
    if (!button) return;
    const open = button.getAttribute("aria-expanded") === "true";
    if (open) button.nextElementSibling.remove();
    else {
      const shown = document.createElement("figure");
      const picture = document.createElement("img");
      picture.className = "shown-picture";
      picture.alt = `Small picture of ${button.dataset.image}`;
      picture.src = button.dataset.picture;
      shown.append(picture);
      if ("both" in button.dataset) {
        const words = document.createElement("figcaption");
        words.textContent = "Left: what the model sees. Right: what people see.";
        shown.append(words);
      }
      button.after(shown);
    }
    button.setAttribute("aria-expanded", String(!open));
    button.firstChild.textContent = open ? "Show picture" : "Hide picture";
  });
})();
