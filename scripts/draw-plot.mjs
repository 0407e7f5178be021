import * as echarts from 'echarts';

const WIDTH = 860;
const HEIGHT = 460;
const RIGHT = 30;

/** A plot of the experiments or the benchmark as SVG, without a browser (ADR 11). */
export function drawPlot({ title, kind, xLabel, yLabel, isLogarithmic, series }) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  const isCrowded = series.length > 5;
  const ys = series.flatMap(({ points }) => points.map(([, y]) => y)).filter((y) => Number.isFinite(y));
  // Labels of large numbers need room.
  const isWide = Math.max(...ys) >= 100_000;
  const left = isWide ? 96 : 76;
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'Arial, Helvetica, sans-serif' },
    title: { text: title, left: 'center' },
    // Wide gaps: the server does not know the reader's fonts.
    legend: { bottom: 0, itemGap: isCrowded ? 14 : 26, padding: [0, 40] },
    grid: { left, right: RIGHT, top: 50, bottom: isCrowded ? 110 : 90 },
    xAxis: {
      type: kind === 'bar' ? 'category' : 'value',
      name: xLabel,
      nameLocation: 'middle',
      nameGap: 28,
      scale: true,
      ...(kind === 'bar' ? categories(series, WIDTH - left - RIGHT) : {}),
    },
    yAxis: {
      type: isLogarithmic ? 'log' : 'value',
      name: yLabel,
      nameLocation: 'middle',
      nameGap: isWide ? 74 : 50,
      ...(isLogarithmic ? logarithmic(ys) : {}),
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

/** All groups, whether or not each series has a bar there. */
function categories(series, width) {
  const data = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))];
  const labelWidth = Math.min(100, Math.floor(width / data.length));
  return { data, axisLabel: { interval: 0, width: labelWidth, overflow: 'break' } };
}

/** Such an axis has no 0; bars begin at the decade below the least. */
function logarithmic(ys) {
  const least = Math.min(...ys.filter((y) => y > 0));
  const decade = 10 ** Math.floor(Math.log10(least) - 0.001);
  return {
    min: decade,
    startValue: decade,
    axisLabel: {
      formatter: (value) => Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 12 }),
    },
  };
}
