// SPDX-License-Identifier: Apache-2.0
// evaluate.ts without its types: sha256:c35a259458d3764d40e30d9638b122616f4b3a12a02676da3df368214c570e2d
const maxFile = 8 << 20;
export function load(text) {
  if (text.length > maxFile) throw new Error("model: too long");
  const m = JSON.parse(text);
  if (m.format === "headrace-route/1") {
    if (!(m.bits >= 1 && m.bits <= 15) || m.slots.length !== m.weights.length) throw new Error("model: no good slots");
    m.table = new Float32Array(1 << m.bits);
    m.slots.forEach((at, i) => m.table[at] = m.weights[i]);
    return m;
  }
  if (m.format !== "headrace-filter/1" && m.format !== "headrace-rank/1") throw new Error(`model: format ${m.format} is not known`);
  if (m.trees) {
    if (m.trees.format !== "headrace-trees/1") throw new Error(`model: format ${m.trees.format} is not known`);
    for (const t of m.trees.trees) {
      t.feature.forEach((f, i) => {
        if (f >= 0 && !(t.right[i] > i && t.right[i] < t.feature.length)) throw new Error("model: a tree that turns back");
      });
    }
  }
  return m;
}
export function evaluate(m, context, actions) {
  switch (m.format) {
    case "headrace-filter/1":
      return actions.map((a) => a.id === "show" ? (probability(m, context) - m.threshold) * (m.scale || 1) : a.id === "hide" ? 0 : NaN);
    case "headrace-rank/1":
      return actions.map((a) => score(m, a.features ?? {}));
    case "headrace-route/1":
      return route(m, context, actions);
  }
}
export function greedy(values) {
  let best = -1;
  values.forEach((v, i) => {
    if (!Number.isNaN(v) && (best < 0 || v > values[best])) best = i;
  });
  return best;
}
export function probability(f, features) {
  let s = score(f, features);
  if (f.trees) s += grown(f.trees, features);
  return sigmoid(s);
}
function score(t, features) {
  let sum = 0;
  let at = 0;
  const add = (i, v) => {
    if (v !== 0 || i === 0) sum += t.weights[i] * v;
  };
  add(at++, 1);
  const z = /* @__PURE__ */ new Map();
  for (const n of t.numbers) {
    const v = features[n.name];
    if (typeof v === "number" && Number.isFinite(v)) {
      const x = (squash(v) - n.mean) / n.scale;
      z.set(n.name, x);
      add(at, x);
      n.knots.forEach((knot, k) => {
        if (x > knot) add(at + 1 + k, x - knot);
      });
    } else if (n.gaps) {
      add(at + 1 + n.knots.length, 1);
    }
    at += 1 + n.knots.length + (n.gaps ? 1 : 0);
  }
  for (const name of t.bools) {
    if (features[name] === true) add(at, 1);
    at++;
  }
  const place = /* @__PURE__ */ new Map();
  for (const e of t.enums) {
    const values = e.values ?? [];
    const k = values.indexOf(features[e.name]);
    place.set(e.name, { at: k, values });
    if (k >= 0) add(at + k, 1);
    at += values.length;
  }
  for (const c of t.crosses) {
    const e = place.get(c.enum);
    const x = z.get(c.number);
    if (e.at >= 0 && x !== void 0) add(at + e.at, x);
    at += e.values.length;
  }
  return sum;
}
function grown(m, features) {
  const x = m.features.map((f) => {
    const v = features[f.name];
    if (f.values && f.values.length > 0) {
      const at = f.values.indexOf(v);
      return at < 0 ? NaN : at;
    }
    if (typeof v === "boolean") return v ? 1 : 0;
    return typeof v === "number" && Number.isFinite(v) ? v : NaN;
  });
  let sum = m.base;
  for (const t of m.trees) {
    let i = 0;
    while (t.feature[i] >= 0) {
      const f = t.feature[i];
      const values = m.features[f].values;
      let left = x[f] <= t.cut[i];
      if (Number.isNaN(x[f])) left = t.missing[i] === 1;
      else if (values && values.length > 0) left = (t.cut[i] >>> x[f] & 1) === 1;
      i = left ? i + 1 : t.right[i];
    }
    sum += t.cut[i];
  }
  return sum;
}
function route(m, context, actions) {
  const mask = m.table.length - 1;
  const weigh = (f) => m.table[f.index & mask] * f.value;
  const shared = hashed(1, context);
  let base = weigh({ index: 11650396, value: 1 });
  for (const f of shared) base += weigh(f);
  return actions.map((a) => {
    const id = a.id ?? "";
    if (!m.actions.includes(id)) return NaN;
    let value = base;
    for (const f of [...hashed(2, a.features ?? {}), { index: hash(3, id), value: 1 }]) {
      value += weigh(f);
      for (const g of shared) {
        value += weigh({ index: (Math.imul(g.index, 16777619) ^ f.index) >>> 0, value: Math.fround(g.value * f.value) });
      }
    }
    return value;
  });
}
function hashed(group, features) {
  const all = [];
  for (const [name, v] of Object.entries(features)) {
    if (typeof v === "number") {
      const value = Math.fround(squash(v));
      if (Number.isFinite(value) && value !== 0) all.push({ index: hash(group, name), value });
    } else if (v === true) {
      all.push({ index: hash(group, name), value: 1 });
    } else if (typeof v === "string") {
      all.push({ index: hash(hash(group, name), v), value: 1 });
    }
  }
  return all.sort((a, b) => a.index - b.index || a.value - b.value);
}
function hash(group, name) {
  let h = (group ^ 2166136261) >>> 0;
  for (const b of new TextEncoder().encode(name)) h = Math.imul(h ^ b, 16777619) >>> 0;
  return h;
}
function squash(v) {
  return v < 0 ? -log1p(-v) : log1p(v);
}
const ln2High = 0.6931471803691238;
const ln2Low = 19082149292705877e-26;
const bits = new DataView(new ArrayBuffer(8));
export function sigmoid(x) {
  return 1 / (1 + exp(-x));
}
export function exp(x) {
  if (Number.isNaN(x)) return x;
  x = Math.min(Math.max(x, -700), 700);
  const k = Math.floor(x * 1.4426950408889634 + 0.5);
  const r = x - k * ln2High - k * ln2Low;
  const s = r * r;
  let even = 1 / 479001600;
  for (const c of [1 / 3628800, 1 / 40320, 1 / 720, 1 / 24, 1 / 2]) even = even * s + c;
  let odd = 1 / 6227020800;
  for (const c of [1 / 39916800, 1 / 362880, 1 / 5040, 1 / 120, 1 / 6]) odd = odd * s + c;
  bits.setUint32(0, k + 1023 << 20);
  bits.setUint32(4, 0);
  return (1 + (r + (even * s + odd * s * r))) * bits.getFloat64(0);
}
export function log1p(x) {
  if (!(x >= 0)) return NaN;
  if (x === Infinity || x < 11102230246251565e-32) return x;
  const u = 1 + x;
  const lost = x > 1 ? 1 - (u - x) : x - (u - 1);
  bits.setFloat64(0, u);
  let k = (bits.getUint32(0) >>> 20) - 1023;
  bits.setUint32(0, bits.getUint32(0) & 1048575 | 1072693248);
  let m = bits.getFloat64(0);
  if (m > Math.SQRT2) {
    m /= 2;
    k++;
  }
  const f = m - 1;
  const s = f / (m + 1);
  const z = s * s;
  let p = 1 / 23;
  for (let n = 21; n >= 3; n -= 2) p = p * z + 1 / n;
  p *= z;
  const small = s * (f - 2 * p) - (k * ln2Low + lost / u);
  return k * ln2High + (f - small);
}
