import { codeOf } from "@consilium/crypto";
import type { Store, StoreRange } from "@consilium/protocol";

/** One sentence that every store must fulfil; `run` throws when it does not. */
export interface ContractCase {
  readonly title: string;
  run(store: Store): Promise<void>;
}

const key = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

/**
 * What the driver relies on in a {@link Store}. Each case gets a fresh, empty store; test files turn the cases into
 * tests of their framework, so that memory and disk are held to the same sentences.
 */
export const storeContract: readonly ContractCase[] = [
  {
    title: "answers undefined for a key that was never written",
    run: async (store) => same(store.get(key(1)), undefined),
  },
  {
    title: "reads back what a batch wrote, the empty value included",
    run: async (store) => {
      await store.batch([put(key(1), key(10, 11)), put(key(2), key())]);
      same(store.get(key(1)), key(10, 11));
      same(store.get(key(2)), key());
    },
  },
  {
    title: "deletes a key whose value is undefined",
    run: async (store) => {
      await store.batch([put(key(1), key(10))]);
      await store.batch([put(key(1), undefined)], { sync: true });
      same(store.get(key(1)), undefined);
    },
  },
  {
    title: "applies the changes of a batch in their order",
    run: async (store) => {
      await store.batch([put(key(1), key(1)), put(key(1), undefined), put(key(1), key(2))]);
      same(store.get(key(1)), key(2));
    },
  },
  {
    title: "orders keys by their bytes and keeps lower bound in, upper bound out",
    run: async (store) => {
      await store.batch([key(0xff), key(1, 0), key(1), key(2), key(0x80)].map((each) => put(each, each)));
      sameAll(await keysOf(store, { from: key(1), to: key(0xff) }), [key(1), key(1, 0), key(2), key(0x80)]);
    },
  },
  {
    title: "walks a range backwards and stops at its limit",
    run: async (store) => {
      await store.batch([key(1), key(2), key(3)].map((each) => put(each, each)));
      sameAll(await keysOf(store, { from: key(1), to: key(9), reverse: true, limit: 2 }), [key(3), key(2)]);
    },
  },
  {
    title: "shows a range as it was when it was asked for, whatever is written while it is walked",
    run: async (store) => {
      const [one, two, three] = [key(1), key(2), key(3)];
      await store.batch([put(one, key(10)), put(two, key(20))]);
      const range = store.range({ from: key(0), to: key(9) });
      await store.batch([put(one, undefined), put(two, key(21)), put(three, key(30))]);
      const walked: string[] = [];
      for await (const [at, value] of range) {
        walked.push(show(at), show(value));
        await store.batch([put(two, key(22))]);
      }
      same(walked.join(), [one, key(10), two, key(20)].map(show).join());
      same(store.get(two), key(22));
    },
  },
  {
    title: "keeps its own copy of what it was given",
    run: async (store) => {
      const value = key(7);
      await store.batch([put(key(1), value)]);
      value[0] = 8;
      same(store.get(key(1)), key(7));
    },
  },
  {
    title: "refuses reads and writes once closed",
    run: async (store) => {
      await store.close();
      same(
        codeThrown(() => store.get(key(1))),
        "STORE_CLOSED",
      );
      same(await store.batch([put(key(1), key(1))]).then(() => "written", codeOf), "STORE_CLOSED");
    },
  },
];

function put(at: Uint8Array, value: Uint8Array | undefined) {
  return { key: at, value };
}

async function keysOf(store: Store, range: StoreRange): Promise<Uint8Array[]> {
  const keys: Uint8Array[] = [];
  for await (const [each] of store.range(range)) keys.push(each);
  return keys;
}

function codeThrown(action: () => unknown): string {
  try {
    action();
    return "no error";
  } catch (error) {
    return codeOf(error);
  }
}

function show(value: unknown): string {
  return value instanceof Uint8Array ? `[${Array.from(value).join(" ")}]` : String(value);
}

function same(actual: unknown, expected: unknown): void {
  if (show(actual) !== show(expected)) throw new Error(`expected ${show(expected)}, got ${show(actual)}`);
}

function sameAll(actual: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  same(actual.map(show).join(), expected.map(show).join());
}
