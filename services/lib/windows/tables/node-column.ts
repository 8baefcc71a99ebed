const chunkBits = 11;
const chunkNodes = 1 << chunkBits;

type Cells = Float64Array | Int32Array | Uint8Array;

/** One more number per node of an EventSlab, beside it; until it is set, what a node before it had. Memory is taken as nodes are set and never given back. */
export class NodeColumn {
  readonly #newChunk: (nodes: number) => Cells;
  readonly #chunks: Cells[] = [];

  constructor(newChunk: (nodes: number) => Cells) {
    this.#newChunk = newChunk;
  }

  get bytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  }

  /** Of a node that was set before. */
  get(node: number): number {
    return (this.#chunks[node >>> chunkBits] as Cells)[node & (chunkNodes - 1)] as number;
  }

  set(node: number, value: number): void {
    while (this.#chunks.length <= node >>> chunkBits) this.#chunks.push(this.#newChunk(chunkNodes));
    (this.#chunks[node >>> chunkBits] as Cells)[node & (chunkNodes - 1)] = value;
  }
}
