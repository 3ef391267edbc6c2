// The page by Express, nunjucks and Intl; and finished buffers kept in the process.
"use strict";
const path = require("node:path");
const express = require("express");
const nunjucks = require("nunjucks");
const { createClient } = require("redis");

const LANGUAGES = [["en", "English"], ["ar", "العربية"], ["de", "Deutsch"], ["fr", "Français"]];
const TAGS = LANGUAGES.map(([tag]) => tag);
const NEWEST = 8; // scans that are not folded away
const zone = "UTC"; // the carrier's own clock is shown: `wall` is that clock as if it were UTC
const formats = {};
for (const tag of TAGS) {
  const day = { weekday: "long", month: "long", day: "numeric", timeZone: zone };
  formats[tag] = {
    day: new Intl.DateTimeFormat(tag, day),
    clock: new Intl.DateTimeFormat(tag, { timeStyle: "short", timeZone: zone }),
    moment: new Intl.DateTimeFormat(tag, { ...day, hour: "numeric", minute: "numeric" }),
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
  const scans = parcel.scans.map((scan) => ({ ...scan, at: wall(scan.at) }));
  const format = formats[language];
  return templates.render("tracking.html", {
    parcel,
    delivered_at: scans[0].at,
    fetched_at: wall(parcel.fetched_at),
    days: days(scans.slice(0, NEWEST)),
    older_days: days(scans.slice(NEWEST)),
    older: scans.length - NEWEST,
    languages: LANGUAGES,
    _: (text) => text,
    day: (one) => format.day.format(one.at),
    clock: (one) => format.clock.format(one.at),
    moment: (one) => format.moment.format(one.at),
  });
}

app.get("/", (request, response) => response.send("ready"));
app.get("/rendered/:number", async (request, response) => {
  const language = request.acceptsLanguages(TAGS) || "en";
  response.type("html").send(await rendered(request.params.number, language));
});
app.get("/cached/:number", async (request, response) => {
  const language = request.acceptsLanguages(TAGS) || "en";
  const key = `${language} ${request.params.number}`;
  let page = finished.get(key);
  if (page === undefined) {
    page = Buffer.from(await rendered(request.params.number, language));
    finished.set(key, page);
  }
  response.type("html").send(page);
});
redis.connect().then(() => {
  const server = app.listen({ fd: Number(process.argv[2]) });
  server.keepAliveTimeout = 300000;
});
