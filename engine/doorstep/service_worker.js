// Shows what the shop pushes about an order, and leads to the order's page. It stands before no request of any page.
addEventListener("install", () => skipWaiting());

addEventListener("push", (event) => {
  const { title, body, url } = event.data.json();
  event.waitUntil(registration.showNotification(title, { body, data: url }));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(clients.openWindow(event.notification.data));
});
