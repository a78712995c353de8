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

  // Weekday by hour: white to red, each square's count on pointing at it and in the table.
  function heat(data, colours) {
    const squares = data.series.flatMap(({ values }, row) => values.map((value, column) => [column, row, value]));
    const axis = (labels, inverse) => ({ type: "category", data: labels, inverse, axisLabel: { color: colours.text }, splitArea: { show: true } });
    return {
      animation: false,
      textStyle: { color: colours.text, fontFamily: "inherit" },
      grid: { left: 8, right: 16, top: 8, bottom: 48, containLabel: true },
      tooltip: { renderMode: "richText", formatter: ({ value: [column, row, count] }) => `${data.series[row].name} ${data.labels[column]}：${count} ${data.unit}` },
      xAxis: axis(data.labels, false),
      yAxis: axis(data.series.map(({ name }) => name), true),
      visualMap: { min: 0, max: Math.max(1, ...squares.map((square) => square[2])), text: ["多", "少"], orient: "horizontal", left: "center", bottom: 0, textStyle: { color: colours.text }, inRange: { color: ["#f4f6fa", "#f2a29b", "#8f0a1c"] } },
      series: [{ type: "heatmap", data: squares }],
    };
  }

  document.querySelectorAll("[data-chart]").forEach((place) => {
    const chart = echarts.init(place, null, { renderer: "canvas" });
    const draw = () => {
      const data = JSON.parse(place.dataset.chart);
      chart.setOption((data.kind === "heat" ? heat : option)(data, "chartDark" in place.dataset ? DARK : LIGHT));
    };
    draw();
    new ResizeObserver(() => chart.resize()).observe(place);
    new MutationObserver(draw).observe(place, { attributes: true, attributeFilter: ["data-chart"] });
  });
})();
