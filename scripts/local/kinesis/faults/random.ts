/** Numbers in [0, 1), the same for the same seed and name (FNV-1a over both, then mulberry32). */
export function randomOf(seed: number, name: string): () => number {
  let state = 0x811c9dc5;
  for (const byte of Buffer.from(`${seed}:${name}`)) state = Math.imul(state ^ byte, 0x01000193) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
