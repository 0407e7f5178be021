import type { Goal } from '../suite.js';
import type { CellName } from './cells.js';
import { cells, describe } from './cells.js';
import type { ContenderName } from './contenders/index.js';
import type { Measurements } from './measurements.js';
import type { Measured } from './pair.js';

interface Wanted {
  readonly cell: CellName;
  readonly figure: keyof Measured;
  readonly over: 'nest-tcp' | 'raw' | 'thin' | 'its own send';
  readonly least?: number;
  readonly most?: number;
}

/** Compared with Nest TCP are requests with a short answer, which are what it has to acknowledge a message with. */
const wanted: readonly Wanted[] = [
  { cell: 'send1024', figure: 'perSecond', over: 'nest-tcp', least: 15 },
  { cell: 'send1024', figure: 'perSecond', over: 'thin', least: 0.85 },
  { cell: 'send64', figure: 'perSecond', over: 'nest-tcp', least: 6 },
  { cell: 'sendKib', figure: 'perSecond', over: 'nest-tcp', least: 9 },
  { cell: 'emit1024', figure: 'perSecond', over: 'nest-tcp', least: 8 },
  { cell: 'emitKib', figure: 'perSecond', over: 'nest-tcp', least: 4 },
  { cell: 'request64', figure: 'perSecond', over: 'nest-tcp', least: 6 },
  { cell: 'request1024', figure: 'perSecond', over: 'nest-tcp', least: 10 },
  { cell: 'ask64', figure: 'perSecond', over: 'nest-tcp', least: 4 },
  { cell: 'sendAlone', figure: 'p50Us', over: 'nest-tcp', most: 0.75 },
  { cell: 'sendAlone', figure: 'p50Us', over: 'raw', most: 1.2 },
  { cell: 'requestAlone', figure: 'p50Us', over: 'nest-tcp', most: 0.75 },
  { cell: 'requestAlone', figure: 'p50Us', over: 'raw', most: 1.2 },
  { cell: 'send64', figure: 'cpuUs', over: 'nest-tcp', most: 1 / 8 },
  { cell: 'sendMib', figure: 'perSecond', over: 'raw', least: 0.6 },
  { cell: 'sendMib', figure: 'perSecond', over: 'nest-tcp', least: 4.5 },
  { cell: 'broadcast', figure: 'perSecond', over: 'its own send', least: 0.6 },
];

const figures: Record<keyof Measured, string> = {
  perSecond: 'operations a second',
  cpuUs: 'processor time an operation, both sides',
  p50Us: 'median latency',
  p99Us: 'latency, 99th percentile',
};

export function goals(measurements: Measurements<CellName, ContenderName>): Goal[] {
  return wanted.map(({ cell, figure, over, least, most }) => {
    const other = over === 'its own send' ? (['send1024', 'clusterpack'] as const) : ([cell, over] as const);
    const { median, min, max } = measurements.ratio(figure, [cell, 'clusterpack'], other);
    return {
      what: `${describe(cells[cell])}: ${figures[figure]}, over ${over}`,
      wanted: least === undefined ? `≤ ${most!.toPrecision(2)}` : `≥ ${least}`,
      measured: `${median.toPrecision(3)} (${min.toPrecision(3)}–${max.toPrecision(3)})`,
      isMet: median >= (least ?? 0) && median <= (most ?? Infinity),
    };
  });
}
