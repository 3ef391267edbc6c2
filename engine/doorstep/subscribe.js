// Tells the reader's own browser of an order. A theme's script loads this where a page has a form[data-subscribe], which is
// hidden until here: it is shown where the browser can and is not told already, and sent with what the browser subscribed with.
// Its values: data-subscribe, what the store's addresses begin with; data-key, what to subscribe with; data-known, SHA-256 of
// the endpoints that are told already; data-refused, what to say where the browser takes nothing.
const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

async function hashed(text) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(hash)));
}

async function subscribed({ subscribe: base, key }) {
  if ((await Notification.requestPermission()) !== "granted") throw new Error("refused");
  await navigator.serviceWorker.register(`${base}service-worker.js`, { scope: `${base}o/` });
  const { pushManager } = await navigator.serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey: key };
  try {
    return await pushManager.subscribe(options);
  } catch (error) {
    const former = await pushManager.getSubscription(); // of a key that the shop had before
    if (!former) throw error;
    await former.unsubscribe();
    return pushManager.subscribe(options);
  }
}

async function offer(form) {
  const { subscribe: base, known, refused } = form.dataset;
  const registration = await navigator.serviceWorker.getRegistration(`${base}o/`);
  const subscription = await registration?.pushManager.getSubscription();
  if (subscription && known.split(" ").includes(await hashed(subscription.endpoint))) return;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    const status = form.querySelector("[role=status]");
    button.disabled = true;
    status.textContent = "";
    try {
      form.elements.push_address.value = JSON.stringify(await subscribed(form.dataset));
      form.submit();
    } catch {
      status.textContent = refused;
      button.disabled = false;
    }
  });
}

if (able) for (const form of document.querySelectorAll("form[data-subscribe]")) offer(form);
