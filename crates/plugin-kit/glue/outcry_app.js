// Between a reporting rule in JavaScript (rule.js: table and event) and the contract. Part of the component, not of the rule.
import { PARAMETERS } from "./outcry_parameters.js";
import { event as look, table } from "./rule.js";

const WRONG_PARAMETERS = 65535;
let parameters = {};

function text(words) {
  let characters = "";
  for (const word of words) {
    for (let at = 0n; at < 64n; at += 8n) {
      const code = Number((BigInt.asUintN(64, word) >> at) & 255n);
      if (code !== 0) characters += String.fromCharCode(code);
    }
  }
  return characters;
}

function readParameters(words) {
  const read = {};
  let at = 0;
  const take = (count) => {
    if (at + count > words.length) throw new RangeError("fewer words than parameters");
    return words.slice(at, (at += count));
  };
  for (const [name, kind] of PARAMETERS) {
    if (kind === "int" || kind === "price-ticks") read[name] = take(1)[0];
    else if (kind === "text") read[name] = text(take(2));
    else if (kind === "list-int") read[name] = take(words.length - at);
    else {
      read[name] = [];
      while (at < words.length) read[name].push(text(take(2)));
    }
  }
  if (at !== words.length) throw new RangeError("more words than parameters");
  return read;
}

// BigInt is not JSON: it is kept as {"$": "digits"}.
const freeze = (_, value) => (typeof value === "bigint" ? { $: value.toString() } : value);
const thaw = (_, value) => (value !== null && typeof value === "object" && "$" in value ? BigInt(value.$) : value);

const TAGS = { int64: "int64", text: "text", timestamp: "int64", float64: "float64", boolean: "boolean" };
const CONVERT = { int64: BigInt, text: String, timestamp: BigInt, float64: Number, boolean: Boolean };

function value(column, given) {
  if (given === null || given === undefined) return { tag: "null" };
  return { tag: TAGS[column.kind], val: CONVERT[column.kind](given) };
}

export const reportingRule = {
  configure(words) {
    try {
      parameters = readParameters(Array.from(words));
    } catch {
      return WRONG_PARAMETERS;
    }
    return 0;
  },

  describe() {
    return { name: table.name, key: table.key, columns: table.columns };
  },

  process(bytes, events) {
    const state = bytes.length === 0 ? {} : JSON.parse(new TextDecoder().decode(bytes), thaw);
    let rows = [];
    for (const event of events) look(state, event, rows, parameters);
    if (table.key > 0) {
      // Of rows with the same key the last one stays.
      const keyed = new Map(rows.map((row) => [JSON.stringify(row.slice(0, table.key), freeze), row]));
      rows = Array.from(keyed.values());
    }
    const report = rows.map((row) => {
      if (row.length !== table.columns.length) throw new RangeError("a row has a value for every column");
      return row.map((given, at) => value(table.columns[at], given));
    });
    return { state: new TextEncoder().encode(JSON.stringify(state, freeze)), rows: report };
  },
};
