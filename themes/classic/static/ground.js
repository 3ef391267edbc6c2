// Enhances only: copy buttons, the phone's own sheet for sharing, menus that close when one looks away, and messages in the
// browser.
const { copy, copied } = document.body.dataset;

if (navigator.clipboard) {
  for (const value of document.querySelectorAll("bdi[data-copy], .share input")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = copy;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(value.value ?? value.textContent);
      button.textContent = copied;
      setTimeout(() => (button.textContent = copy), 2000);
    });
    value.after(button);
  }
}

if (navigator.share) {
  for (const box of document.querySelectorAll("[data-share]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button quiet";
    button.textContent = box.dataset.share;
    // Whoever closes the sheet has shared nothing, and nothing is wrong.
    button.addEventListener("click", () => navigator.share({ url: box.querySelector("input").value }).catch(() => {}));
    box.querySelector("a").before(button);
  }
}

for (const menu of document.querySelectorAll(".top details")) {
  const close = (event) => menu.contains(event.target) || (menu.open = false);
  document.addEventListener("click", close);
  document.addEventListener("focusin", close);
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.firstElementChild.focus();
  });
}

const telling = document.querySelector("form[data-subscribe]");
if (telling) import(`${telling.dataset.subscribe}subscribe.js`);
