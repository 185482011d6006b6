/**
 * The authenticated state: a sparse Merkle tree over SHA-256 of the keys, kept in the same key space as the values.
 *
 * A subtree that holds one key is that key's leaf, at whatever depth it stands alone, so paths are about log2(n) long
 * (the shape of Jellyfish Merkle trees, Gao, Hu and Wu 2021). The shape depends on the set of keys alone, not on the
 * order in which they came:
 *
 * - empty subtree: 32 zero bytes
 * - leaf: SHA-256(0x00 ‖ SHA-256(key) ‖ SHA-256(value))
 * - inner node: SHA-256(0x01 ‖ left ‖ right); bit i of SHA-256(key), most significant first, chooses the side at depth i
 *
 * Nodes are stored by their place, the newest state only: `treeNode ‖ u16 depth ‖ path`.
 */
import { bigintFromBytes, concat, equalBytes, sha256, u16 } from "@consilium/crypto";
import type { StateReader, StoreChange } from "@consilium/protocol";
import { keyOf, prefixes } from "./keys.js";
import { StateWriter } from "./writer.js";

const EMPTY = new Uint8Array(32);
const LEAF = Uint8Array.of(0);
const INNER = Uint8Array.of(1);
const DEPTH_MAX = 256;
const ROOT_KEY = keyOf(prefixes.treeRoot);

interface Leaf {
  readonly keyHash: Uint8Array;
  readonly valueHash: Uint8Array;
}

/** A leaf to set, or with `valueHash` undefined to remove. */
interface LeafChange {
  readonly keyHash: Uint8Array;
  readonly valueHash: Uint8Array | undefined;
}

type Node =
  | { readonly kind: "empty" }
  | { readonly kind: "leaf"; readonly leaf: Leaf }
  | { readonly kind: "inner"; readonly left: Uint8Array; readonly right: Uint8Array };

const EMPTY_NODE: Node = { kind: "empty" };

/**
 * Folds state changes into the tree: returns the changed nodes and root key as changes, and the new root. Keys must be
 * distinct and lie below the tree's own prefixes.
 */
export function updateTree(
  state: StateReader,
  changes: readonly StoreChange[],
): { readonly changes: StoreChange[]; readonly root: Uint8Array } {
  const leaves = changes
    .map(({ key, value }) => ({ keyHash: sha256(key), valueHash: value && sha256(value) }))
    .sort((left, right) => compare(left.keyHash, right.keyHash));
  const nodes = new StateWriter(state);
  const root = hashOf(updateSubtree(nodes, EMPTY, 0, leaves));
  nodes.put(ROOT_KEY, root);
  return { changes: nodes.changes(), root };
}

/** Applies sorted changes below a place and returns the node that stands there afterwards, already stored. */
function updateSubtree(
  nodes: StateWriter,
  path: Uint8Array,
  depth: number,
  changes: readonly LeafChange[],
): Node {
  const place = nodeKey(path, depth);
  const before = readNode(nodes, place);
  if (changes.length === 0) return before;
  const after =
    before.kind === "inner"
      ? updateInner(nodes, path, depth, changes)
      : plantLeaves(nodes, path, depth, leavesAfter(before, changes));
  writeNode(nodes, place, after);
  return after;
}

function updateInner(
  nodes: StateWriter,
  path: Uint8Array,
  depth: number,
  changes: readonly LeafChange[],
): Node {
  const middle = splitAt(changes, depth);
  const left = updateSubtree(nodes, path, depth + 1, changes.slice(0, middle));
  const right = updateSubtree(nodes, withBit(path, depth), depth + 1, changes.slice(middle));
  return join(nodes, path, depth, left, right);
}

/** Builds a subtree where there was at most one leaf. */
function plantLeaves(nodes: StateWriter, path: Uint8Array, depth: number, leaves: readonly Leaf[]): Node {
  if (leaves.length === 0) return EMPTY_NODE;
  if (leaves.length === 1) return { kind: "leaf", leaf: leaves[0]! };
  const middle = splitAt(leaves, depth);
  const [leftLeaves, rightLeaves] = [leaves.slice(0, middle), leaves.slice(middle)];
  const left = plantLeaves(nodes, path, depth + 1, leftLeaves);
  writeNode(nodes, nodeKey(path, depth + 1), left);
  const rightPath = withBit(path, depth);
  const right = plantLeaves(nodes, rightPath, depth + 1, rightLeaves);
  writeNode(nodes, nodeKey(rightPath, depth + 1), right);
  return join(nodes, path, depth, left, right);
}

/** The node above two children: a lone leaf moves up to where it stands alone. */
function join(nodes: StateWriter, path: Uint8Array, depth: number, left: Node, right: Node): Node {
  const lone = left.kind === "empty" ? right : right.kind === "empty" ? left : undefined;
  if (lone === undefined || lone.kind === "inner")
    return { kind: "inner", left: hashOf(left), right: hashOf(right) };
  nodes.delete(nodeKey(path, depth + 1));
  nodes.delete(nodeKey(withBit(path, depth), depth + 1));
  return lone;
}

function leavesAfter(before: Node, changes: readonly LeafChange[]): Leaf[] {
  const present = changes.filter((change): change is Leaf => change.valueHash !== undefined);
  if (before.kind !== "leaf" || changes.some((change) => equalBytes(change.keyHash, before.leaf.keyHash)))
    return present;
  return [...present, before.leaf].sort((left, right) => compare(left.keyHash, right.keyHash));
}

function hashOf(node: Node): Uint8Array {
  if (node.kind === "empty") return EMPTY;
  return node.kind === "leaf" ? leafHash(node.leaf) : sha256(INNER, node.left, node.right);
}

const leafHash = (leaf: Leaf): Uint8Array => sha256(LEAF, leaf.keyHash, leaf.valueHash);

function readNode(state: StateReader, place: Uint8Array): Node {
  const bytes = state.get(place);
  if (bytes === undefined) return EMPTY_NODE;
  const [first, second] = [bytes.subarray(1, 33), bytes.subarray(33)];
  return bytes[0] === LEAF[0]
    ? { kind: "leaf", leaf: { keyHash: first, valueHash: second } }
    : { kind: "inner", left: first, right: second };
}

function writeNode(nodes: StateWriter, place: Uint8Array, node: Node): void {
  if (node.kind === "empty") nodes.delete(place);
  else if (node.kind === "leaf") nodes.put(place, concat(LEAF, node.leaf.keyHash, node.leaf.valueHash));
  else nodes.put(place, concat(INNER, node.left, node.right));
}

/** Place of a node: its depth and the first `depth` bits of the keys below it. */
const nodeKey = (path: Uint8Array, depth: number): Uint8Array =>
  keyOf(prefixes.treeNode, u16(depth), path.subarray(0, Math.ceil(depth / 8)));

const bitAt = (bytes: Uint8Array, index: number): number => (bytes[index >> 3]! >> (7 - (index & 7))) & 1;

function withBit(path: Uint8Array, index: number): Uint8Array {
  const out = path.slice();
  out[index >> 3] = out[index >> 3]! | (0x80 >> (index & 7));
  return out;
}

/** Index of the first of the sorted entries that goes right at this depth. */
function splitAt(entries: readonly { readonly keyHash: Uint8Array }[], depth: number): number {
  const index = entries.findIndex((entry) => bitAt(entry.keyHash, depth) === 1);
  return index === -1 ? entries.length : index;
}

function compare(left: Uint8Array, right: Uint8Array): number {
  const index = left.findIndex((byte, at) => byte !== right[at]);
  return index === -1 ? 0 : left[index]! - right[index]!;
}

/** What convinces a holder of the root alone that a key has a value, or that it has none. */
export interface StateProof {
  /** Hashes beside the path from the root downwards, 32 bytes each. */
  readonly siblings: readonly Uint8Array[];
  /** The leaf of another key that stands where the key would; absent when the place is empty or the key is there. */
  readonly otherLeaf?: Leaf;
}

/** Proof for a key under the root of `state`, inclusion or exclusion as it is. */
export function prove(state: StateReader, key: Uint8Array): StateProof {
  const keyHash = sha256(key);
  const siblings: Uint8Array[] = [];
  let path: Uint8Array = EMPTY;
  for (let depth = 0; depth <= DEPTH_MAX; depth++) {
    const node = readNode(state, nodeKey(path, depth));
    if (node.kind === "inner") {
      const right = bitAt(keyHash, depth) === 1;
      siblings.push(right ? node.left : node.right);
      if (right) path = withBit(path, depth);
      continue;
    }
    const other = node.kind === "leaf" && !equalBytes(node.leaf.keyHash, keyHash);
    return other ? { siblings, otherLeaf: node.leaf } : { siblings };
  }
  throw new RangeError("No two keys share all bits of their hashes.");
}

/**
 * Whether `root` commits to `key` having `value`, or with `value` undefined to its absence. Needs no state; never
 * throws, whatever a node sends as a proof.
 */
export function verifyProof(
  root: Uint8Array,
  key: Uint8Array,
  value: Uint8Array | undefined,
  proof: StateProof,
): boolean {
  const keyHash = sha256(key);
  const { siblings, otherLeaf } = proof;
  if (siblings.length > DEPTH_MAX || siblings.some((sibling) => sibling.length !== 32)) return false;
  let hash: Uint8Array = EMPTY;
  if (value !== undefined) {
    if (otherLeaf !== undefined) return false;
    hash = leafHash({ keyHash, valueHash: sha256(value) });
  } else if (otherLeaf !== undefined) {
    if (!isElsewhere(otherLeaf, keyHash, siblings.length)) return false;
    hash = leafHash(otherLeaf);
  }
  for (let depth = siblings.length - 1; depth >= 0; depth--) {
    const sibling = siblings[depth]!;
    hash = bitAt(keyHash, depth) === 1 ? sha256(INNER, sibling, hash) : sha256(INNER, hash, sibling);
  }
  return equalBytes(hash, root);
}

/** Another key's leaf proves absence only where the key itself would have to be: at the end of the same path. */
function isElsewhere(leaf: Leaf, keyHash: Uint8Array, depth: number): boolean {
  if (leaf.keyHash.length !== 32 || leaf.valueHash.length !== 32 || equalBytes(leaf.keyHash, keyHash))
    return false;
  const asInteger = (bytes: Uint8Array): bigint => bigintFromBytes(bytes) >> BigInt(DEPTH_MAX - depth);
  return asInteger(leaf.keyHash) === asInteger(keyHash);
}
