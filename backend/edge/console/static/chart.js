// Draws [data-chart]: {kind, unit, labels, series: [{name, values}]}. [data-chart-dark]: full screen.
"use strict";

(() => {
  // Each at least 4.5:1 against its background, and told apart by colour-blind eyes.
  const LIGHT = { palette: ["#1f5fbf", "#b3400a", "#0b6e4f", "#7a3e9d", "#8a5a00"], text: "#1d273b", line: "#c8cfd8" };
  const DARK = { palette: ["#7db7ff", "#ffb27a", "#7fe0b8", "#dcb0ff", "#ffd866"], text: "#f4f6fa", line: "#4a5568" };

  function option(data, colours) {
    return {
      animation: false,
      color: colours.palette,
      textStyle: { color: colours.text, fontFamily: "inherit" },
      grid: { left: 8, right: 16, top: data.series.length > 1 ? 40 : 16, bottom: 8, containLabel: true },
      legend: data.series.length > 1 ? { top: 0, textStyle: { color: colours.text } } : undefined,
      // Rich text: a tooltip of HTML would carry inline styles, which the page's policy refuses.
      tooltip: { trigger: "axis", renderMode: "richText", valueFormatter: (value) => `${value} ${data.unit}` },
      xAxis: { type: "category", data: data.labels, axisLabel: { color: colours.text } },
      yAxis: { type: "value", axisLabel: { color: colours.text }, splitLine: { lineStyle: { color: colours.line } } },
      series: data.series.map(({ name, values }) => ({ name, type: data.kind, data: values, barMaxWidth: 28, showSymbol: values.length <= 31 })),
    };
  }

  document.querySelectorAll("[data-chart]").forEach((place) => {
    const chart = echarts.init(place, null, { renderer: "canvas" });
    const draw = () => chart.setOption(
      option(JSON.parse(place.dataset.chart), "chartDark" in place.dataset ? DARK : LIGHT));
    draw();
    new ResizeObserver(() => chart.resize()).observe(place);
    new MutationObserver(draw).observe(place, { attributes: true, attributeFilter: ["data-chart"] });
  });
})();
