import mcl from "mcl-wasm";

/** The functions of the WebAssembly module that mcl-wasm's typed interface leaves out. Addresses are numbers. */
export interface MclModule {
  stackSave(): number;
  stackRestore(position: number): void;
  salloc(words: Uint32Array): number;
  sallocCopy(words: Uint32Array): number;
  sallocBytes(bytes: Uint8Array): number;
  sallocArray(arrays: readonly Uint32Array[]): number;
  copyFromHeap32(words: Uint32Array, address: number): void;
  _mclBnG1_mulCT(out: number, point: number, scalar: number): void;
  _mclBnG2_mulCT(out: number, point: number, scalar: number): void;
  _mclBnG1_hashAndMapToWithDst(
    out: number,
    message: number,
    size: number,
    dst: number,
    dstSize: number,
  ): number;
  _mclBnG2_hashAndMapToWithDst(
    out: number,
    message: number,
    size: number,
    dst: number,
    dstSize: number,
  ): number;
  _mclBn_millerLoopVec(out: number, left: number, right: number, count: number): void;
}

let loading: Promise<MclModule> | undefined;

/** Instantiates mcl once per process for BLS12-381 with Ethereum serialisation and RFC 9380 hashing. */
export function loadMclModule(): Promise<MclModule> {
  loading ??= initialise();
  return loading;
}

async function initialise(): Promise<MclModule> {
  await mcl.init(mcl.BLS12_381);
  mcl.setETHserialization(true);
  mcl.setMapToMode(mcl.IRTF);
  // The strict decoder asks for the subgroup check itself, so that its absence has a code of its own.
  mcl.verifyOrderG1(false);
  mcl.verifyOrderG2(false);
  return (mcl as unknown as { mod: MclModule }).mod;
}

/** Runs `use` and gives back what it took from mcl's stack. */
export function withStack(module: MclModule, use: () => void): void {
  const position = module.stackSave();
  try {
    use();
  } finally {
    module.stackRestore(position);
  }
}
