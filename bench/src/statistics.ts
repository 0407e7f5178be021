/** A figure that was measured several times. */
export interface Sample {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** @throws RangeError without any value */
export function sampleOf(values: readonly number[]): Sample {
  if (values.length === 0) throw new RangeError('Nothing was measured');
  const sorted = values.toSorted((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    min: sorted[0]!,
    max: sorted[sorted.length - 1]!,
    count: sorted.length,
  };
}

/** Of values in order, between the two nearest ranks. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const place = (sorted.length - 1) * share;
  const low = Math.floor(place);
  const high = Math.ceil(place);
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (place - low);
}

/** Ratios pair by pair: what drifts from one round to the next does not count. */
export function ratios(values: readonly number[], others: readonly number[]): Sample {
  return sampleOf(values.map((value, round) => value / others[round]!));
}

/** The median and the range, three digits each, in units of so many. */
export function shown({ median, min, max }: Sample, unit = 1): string {
  const [m, low, high] = [median, min, max].map((value) => short(value / unit));
  return `${m} (${low}–${high})`;
}

/** Three digits, without an exponent. */
function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
