// The page by Express, nunjucks and Intl; and finished buffers kept in the process.
"use strict";
const path = require("node:path");
const express = require("express");
const nunjucks = require("nunjucks");
const { createClient } = require("redis");

const LANGUAGES = require("./languages.json");
const TAGS = LANGUAGES.map(([tag]) => tag);
const NEWEST = 8; // scans that are not folded away
const STEPS = ["Announced", "With the carrier", "On its way", "Out for delivery", "Delivered"];
const SENTENCES = {
  label_created: "Label created", accepted: "Accepted by the carrier", in_transit: "On its way",
  out_for_delivery: "Out for delivery", delivered: "Delivered",
};
const PLAIN = ["out_for_delivery", "delivered"]; // the carrier's own words add nothing
const zone = "UTC"; // the carrier's own clock is shown: `wall` is that clock as if it were UTC
const formats = {};
for (const tag of TAGS) {
  formats[tag] = {
    day: new Intl.DateTimeFormat(tag, { weekday: "long", month: "long", day: "numeric", timeZone: zone }),
    clock: new Intl.DateTimeFormat(tag, { timeStyle: "short", timeZone: zone }),
    countries: new Intl.DisplayNames(tag, { type: "region" }),
  };
}

const app = express();
app.set("etag", false).set("x-powered-by", false);
const templates = nunjucks.configure(path.join(__dirname, "templates"), { autoescape: true });
const redis = createClient({ url: process.env.BENCH_REDIS });
const finished = new Map();

function wall(text) {
  const at = new Date(`${text.slice(0, 19)}Z`);
  return { at, isoformat: () => text };
}

function days(scans) {
  const found = [];
  for (const scan of scans) {
    const date = scan.at.isoformat().slice(0, 10);
    if (!found.length || found.at(-1).key !== date) found.push({ key: date, date: { ...scan.at, isoformat: () => date }, scans: [] });
    found.at(-1).scans.push(scan);
  }
  return found;
}

async function rendered(number, language) {
  const parcel = JSON.parse(await redis.get(`parcel:${number}`));
  const format = formats[language];
  const scans = parcel.scans.map((scan) => ({
    at: wall(scan.at),
    sentence: SENTENCES[scan.status],
    tone: scan.status === "delivered" ? "good" : "neutral",
    place: `${scan.city}, ${format.countries.of(scan.country)}`,
    words: PLAIN.includes(scan.status) ? "" : scan.text,
  }));
  scans[0].latest = true;
  return templates.render("tracking.html", {
    parcel,
    origin: format.countries.of(parcel.origin),
    destination: format.countries.of(parcel.destination),
    steps: STEPS,
    delivered_at: scans[0].at,
    fetched_at: wall(parcel.fetched_at),
    fetched_today: parcel.fetched_at.slice(0, 10) === new Date().toISOString().slice(0, 10),
    days: days(scans.slice(0, NEWEST)),
    older_days: days(scans.slice(NEWEST)),
    older: scans.length - NEWEST,
    languages: LANGUAGES,
    _: (text) => text,
    day: (one) => format.day.format(one.at),
    clock: (one) => format.clock.format(one.at),
    moment: (one) => `${format.day.format(one.at)}, ${format.clock.format(one.at)}`,
  });
}

app.get("/", (request, response) => response.send("ready"));
app.get("/rendered/:number", async (request, response) => {
  const language = request.acceptsLanguages(TAGS) || "en";
  response.type("html").send(await rendered(request.params.number, language));
});
async function kept(key, number, language) {
  const page = Buffer.from(await rendered(number, language));
  finished.set(key, page);
  return page;
}

app.get("/first/:number", async (request, response) => {
  const language = request.acceptsLanguages(TAGS) || "en";
  response.type("html").send(await kept(`${language} ${request.params.number}`, request.params.number, language));
});
app.get("/cached/:number", async (request, response) => {
  const language = request.acceptsLanguages(TAGS) || "en";
  const key = `${language} ${request.params.number}`;
  response.type("html").send(finished.get(key) ?? (await kept(key, request.params.number, language)));
});
redis.connect().then(() => {
  const server = app.listen({ fd: Number(process.argv[2]) });
  server.keepAliveTimeout = 300000;
});
