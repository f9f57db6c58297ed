// SPDX-License-Identifier: Apache-2.0

// Evaluates Headrace's control models (docs/models.md) where there is no Go: in an editor, a browser, a proxy. It needs
// nothing, and gives the same bits as the Go implementation: vectors.json has cases for both. Only syntax that can be
// erased is used, so that Node 22.18, Deno and Bun run it as it is; evaluate.mjs is the same without the types.
//
//	const model = load(await readFile("model.json", "utf8"));
//	const values = evaluate(model, { language: "go", lines: 3 }, [{ id: "show" }, { id: "hide" }]);

export type Features = { [name: string]: unknown }; // number, boolean or listed string; anything else is missing
export type Action = { id?: string; features?: Features };
export type Named = { name: string; values?: string[] };
export type Num = { name: string; mean: number; scale: number; knots: number[]; gaps: boolean };
export type Tree = { feature: number[]; cut: number[]; right: number[]; missing: number[] };
export type Terms = { numbers: Num[]; bools: string[]; enums: Named[]; crosses: { enum: string; number: string }[]; weights: number[] };
export type Trees = { format: string; loss: string; features: Named[]; base: number; trees: Tree[] };
export type Filter = Terms & { format: "headrace-filter/1"; reward: string; threshold: number; scale?: number; trees?: Trees };
export type Rank = Terms & { format: "headrace-rank/1"; slots: number[] };
export type Route = { format: "headrace-route/1"; reward: string; actions: string[]; bits: number; slots: number[]; weights: number[]; table: Float32Array };
export type Model = Filter | Rank | Route;

const maxFile = 8 << 20;

/** Reads a model file. It throws where the file is none, or could not be evaluated in bounded time. */
export function load(text: string): Model {
	if (text.length > maxFile) throw new Error("model: too long");
	const m = JSON.parse(text);
	if (m.format === "headrace-route/1") {
		if (!(m.bits >= 1 && m.bits <= 15) || m.slots.length !== m.weights.length) throw new Error("model: no good slots");
		m.table = new Float32Array(1 << m.bits);
		m.slots.forEach((at: number, i: number) => (m.table[at] = m.weights[i]));
		return m;
	}
	if (m.format !== "headrace-filter/1" && m.format !== "headrace-rank/1") throw new Error(`model: format ${m.format} is not known`);
	if (m.trees) {
		if (m.trees.format !== "headrace-trees/1") throw new Error(`model: format ${m.trees.format} is not known`);
		for (const t of m.trees.trees) {
			t.feature.forEach((f: number, i: number) => {
				if (f >= 0 && !(t.right[i] > i && t.right[i] < t.feature.length)) throw new Error("model: a tree that turns back");
			});
		}
	}
	return m;
}

/** What each action is expected to be worth in a context; NaN for one that the model knows nothing of. */
export function evaluate(m: Model, context: Features, actions: Action[]): number[] {
	switch (m.format) {
		case "headrace-filter/1":
			return actions.map((a) => (a.id === "show" ? (probability(m, context) - m.threshold) * (m.scale || 1) : a.id === "hide" ? 0 : NaN));
		case "headrace-rank/1":
			return actions.map((a) => score(m, a.features ?? {}));
		case "headrace-route/1":
			return route(m, context, actions);
	}
}

/** The index of the action that is worth most, the first of equals; -1 where none is known. */
export function greedy(values: number[]): number {
	let best = -1;
	values.forEach((v, i) => {
		if (!Number.isNaN(v) && (best < 0 || v > values[best])) best = i;
	});
	return best;
}

/** The probability that a suggestion is taken, by a filter. */
export function probability(f: Filter, features: Features): number {
	let s = score(f, features);
	if (f.trees) s += grown(f.trees, features);
	return sigmoid(s);
}

// score is Σ weight·term, term by term in the order of the file, leaving out those that are 0.
function score(t: Terms, features: Features): number {
	let sum = 0;
	let at = 0;
	const add = (i: number, v: number) => {
		if (v !== 0 || i === 0) sum += t.weights[i] * v;
	};
	add(at++, 1);
	const z = new Map<string, number>();
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
	const place = new Map<string, { at: number; values: string[] }>();
	for (const e of t.enums) {
		const values = e.values ?? [];
		const k = values.indexOf(features[e.name] as string);
		place.set(e.name, { at: k, values });
		if (k >= 0) add(at + k, 1);
		at += values.length;
	}
	for (const c of t.crosses) {
		const e = place.get(c.enum)!;
		const x = z.get(c.number);
		if (e.at >= 0 && x !== undefined) add(at + e.at, x);
		at += e.values.length;
	}
	return sum;
}

// grown is the base and the leaf of each tree.
function grown(m: Trees, features: Features): number {
	const x = m.features.map((f) => {
		const v = features[f.name];
		if (f.values && f.values.length > 0) {
			const at = f.values.indexOf(v as string);
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
			else if (values && values.length > 0) left = ((t.cut[i] >>> x[f]) & 1) === 1;
			i = left ? i + 1 : t.right[i];
		}
		sum += t.cut[i];
	}
	return sum;
}

type Hashed = { index: number; value: number };

// route adds up the constant, the context's terms, and for each action its own terms and their products with the context's.
function route(m: Route, context: Features, actions: Action[]): number[] {
	const mask = m.table.length - 1;
	const weigh = (f: Hashed) => m.table[f.index & mask] * f.value;
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

// hashed are the features of a group, by index: numbers as single precision.
function hashed(group: number, features: Features): Hashed[] {
	const all: Hashed[] = [];
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

// hash is FNV-1a of the name's UTF-8, started by the group.
function hash(group: number, name: string): number {
	let h = (group ^ 2166136261) >>> 0;
	for (const b of new TextEncoder().encode(name)) h = Math.imul(h ^ b, 16777619) >>> 0;
	return h;
}

function squash(v: number): number {
	return v < 0 ? -log1p(-v) : log1p(v);
}

// What follows is internal/learn/portable, operation by operation.

const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;
const bits = new DataView(new ArrayBuffer(8));

export function sigmoid(x: number): number {
	return 1 / (1 + exp(-x));
}

export function exp(x: number): number {
	if (Number.isNaN(x)) return x;
	x = Math.min(Math.max(x, -700), 700);
	const k = Math.floor(x * 1.4426950408889634 + 0.5);
	const r = x - k * ln2High - k * ln2Low;
	const s = r * r;
	let even = 1 / 479001600;
	for (const c of [1 / 3628800, 1 / 40320, 1 / 720, 1 / 24, 1 / 2]) even = even * s + c;
	let odd = 1 / 6227020800;
	for (const c of [1 / 39916800, 1 / 362880, 1 / 5040, 1 / 120, 1 / 6]) odd = odd * s + c;
	bits.setUint32(0, (k + 1023) << 20);
	bits.setUint32(4, 0);
	return (1 + (r + (even * s + odd * s * r))) * bits.getFloat64(0);
}

export function log1p(x: number): number {
	if (!(x >= 0)) return NaN;
	if (x === Infinity || x < 1.1102230246251565e-16) return x;
	const u = 1 + x;
	const lost = x > 1 ? 1 - (u - x) : x - (u - 1);
	bits.setFloat64(0, u);
	let k = (bits.getUint32(0) >>> 20) - 1023;
	bits.setUint32(0, (bits.getUint32(0) & 0xfffff) | 0x3ff00000);
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
