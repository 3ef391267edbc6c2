// <doorstep-tracker number="…"> on any page of a shop: the tracking page in a frame that is as tall as what is in it.
// Attributes: number; carrier; order (the last part of an order's link); lang. Without a number and an order it is the form.
// What stands inside the element is for readers without scripts. A frame with data-doorstep, written by hand, grows too.
(() => {
  const base = new URL(".", document.currentScript.src);

  class DoorstepTracker extends HTMLElement {
    static observedAttributes = ["number", "carrier", "order", "lang"];

    connectedCallback() {
      this.frame = document.createElement("iframe");
      this.frame.dataset.doorstep = "";
      this.frame.title = this.title || document.title;
      this.frame.height = 480;
      Object.assign(this.frame.style, { display: "block", inlineSize: "100%", border: 0 });
      this.frame.src = this.address();
      this.replaceChildren(this.frame);
    }

    attributeChangedCallback() {
      if (this.frame) this.frame.src = this.address();
    }

    address() {
      const value = (name) => encodeURIComponent(this.getAttribute(name).trim());
      const has = (name) => this.getAttribute(name)?.trim();
      const path = has("order") ? `o/${value("order")}/` : has("number") ? `track/${value("number")}` : "";
      const url = new URL(path, base);
      url.searchParams.set("embed", "1");
      for (const name of ["carrier", "lang"]) if (has(name)) url.searchParams.set(name, this.getAttribute(name).trim());
      return url.href;
    }
  }

  addEventListener("message", ({ data, origin, source }) => {
    if (origin !== base.origin || data?.doorstep !== "height" || !(data.height > 0)) return;
    for (const frame of document.querySelectorAll("iframe[data-doorstep]"))
      if (frame.contentWindow === source) frame.height = Math.ceil(data.height);
  });
  customElements.define("doorstep-tracker", DoorstepTracker);
})();
