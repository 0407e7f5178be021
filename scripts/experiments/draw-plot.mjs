import * as echarts from 'echarts';

/** A plot of an experiment as SVG, without a browser (ADR 11). */
export function drawPlot({ title, kind, xLabel, yLabel, isLogarithmic, series }) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 860, height: 460 });
  const isCategory = kind === 'bar';
  const isCrowded = series.length > 5;
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'Arial, Helvetica, sans-serif' },
    title: { text: title, left: 'center' },
    // Wide gaps: the server does not know the reader's fonts.
    legend: { bottom: 0, itemGap: isCrowded ? 14 : 26, padding: [0, 40] },
    grid: { left: 76, right: 30, top: 50, bottom: isCrowded ? 110 : 90 },
    xAxis: {
      type: isCategory ? 'category' : 'value',
      name: xLabel,
      nameLocation: 'middle',
      nameGap: 28,
      scale: true,
      ...(isCategory ? { axisLabel: { interval: 0, width: 100, overflow: 'break' } } : {}),
      ...(isCategory ? { data: [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))] } : {}),
    },
    yAxis: {
      type: isLogarithmic ? 'log' : 'value',
      name: yLabel,
      nameLocation: 'middle',
      nameGap: 50,
      // A logarithmic axis has no 0; bars begin at the decade below the least.
      ...(isLogarithmic ? logarithmic(decadeBelow(series)) : {}),
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

function logarithmic(least) {
  return {
    min: least,
    startValue: least,
    axisLabel: { formatter: (value) => String(Number(value.toPrecision(3))) },
  };
}

function decadeBelow(series) {
  const values = series.flatMap(({ points }) => points.map(([, y]) => y).filter((y) => y > 0));
  return 10 ** Math.floor(Math.log10(Math.min(...values)) - 0.001);
}
