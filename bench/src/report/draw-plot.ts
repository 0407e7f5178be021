import * as echarts from 'echarts';
import type { Plot } from '../suite.js';

/** A bar chart as SVG, without a browser. */
export function drawPlot({ title, unit, isLogarithmic, groups, series }: Plot): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 900, height: 480 });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'Arial, Helvetica, sans-serif' },
    title: { text: title, left: 'center' },
    legend: { bottom: 0, itemGap: 26, padding: [0, 40] },
    grid: { left: 86, right: 30, top: 50, bottom: 90 },
    xAxis: { type: 'category', data: [...groups], axisLabel: { interval: 0, width: 80, overflow: 'break' } },
    yAxis: {
      type: isLogarithmic ? 'log' : 'value',
      name: unit,
      nameLocation: 'middle',
      nameGap: 64,
      ...(isLogarithmic ? { min: decadeBelow(series.flatMap(({ values }) => values)) } : {}),
    },
    series: series.map(({ name, values }) => ({
      name,
      type: 'bar',
      data: values.map((value) => (Number.isFinite(value) ? Number(value.toPrecision(4)) : null)),
    })),
  });
  const svg = chart.renderToSVGString();
  // Without this its timers keep Node running.
  chart.dispose();
  return `${svg}\n`;
}

/** A logarithmic axis has no 0; bars begin at the decade below the least. */
function decadeBelow(values: readonly number[]): number {
  const least = Math.min(...values.filter((value) => value > 0));
  return 10 ** Math.floor(Math.log10(least) - 0.001);
}
