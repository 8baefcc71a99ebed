/** Smallest i in [0, length) with `reached(i)`, or length; `reached` must be false up to some i and true from there on. */
export function lowestWhere(length: number, reached: (i: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (reached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
