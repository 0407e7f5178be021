import * as echarts from 'echarts';

/** A plot of an experiment as SVG, without a browser (ADR 11). */
export function drawPlot({ title, kind, xLabel, yLabel, isLogarithmic, series }) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 860, height: 460 });
  const isCategory = kind === 'bar';
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: title, left: 'center' },
    legend: { bottom: 0 },
    grid: { left: 70, right: 30, top: 50, bottom: 80 },
    xAxis: {
      type: isCategory ? 'category' : 'value',
      name: xLabel,
      nameLocation: 'middle',
      nameGap: 28,
      scale: true,
      ...(isCategory ? { data: [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))] } : {}),
    },
    yAxis: {
      type: isLogarithmic ? 'log' : 'value',
      name: yLabel,
      nameLocation: 'middle',
      nameGap: 50,
      // A logarithmic axis has no 0; bars begin at the decade below the least.
      ...(isLogarithmic ? { min: decadeBelow(series) } : {}),
    },
    series: series.map(({ name, points }) => ({
      name,
      type: kind,
      showSymbol: points.length < 40,
      data: points.filter(([, y]) => Number.isFinite(y) && (!isLogarithmic || y > 0)),
    })),
  });
  const svg = chart.renderToSVGString();
  // Without this its timers keep Node running.
  chart.dispose();
  return `${svg}\n`;
}

function decadeBelow(series) {
  const values = series.flatMap(({ points }) => points.map(([, y]) => y).filter((y) => y > 0));
  return 10 ** Math.floor(Math.log10(Math.min(...values)) - 0.001);
}
