// Records requests with OpenTelemetry's own SDK and exports them: node push.js URL KEY delta|cumulative explicit|exponential
//
// Three exports, a second and a half apart: 20 fast requests each, and from the second on 2 that fail slowly.
const { AggregationTemporality, AggregationType, MeterProvider, PeriodicExportingMetricReader } = require("@opentelemetry/sdk-metrics");
const { OTLPMetricExporter } = require("@opentelemetry/exporter-metrics-otlp-http");
const { resourceFromAttributes } = require("@opentelemetry/resources");

const [url, key, temporality, shape] = process.argv.slice(2);
const REQUESTS = "http.server.request.duration";
const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const exporter = new OTLPMetricExporter({
  url,
  headers: { "X-API-Key": key },
  compression: "gzip",
  temporalityPreference: temporality === "delta" ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
});
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
const exponential = { instrumentName: REQUESTS, aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } };
const resource = resourceFromAttributes({
  "service.name": "shop",
  "service.version": "1",
  "service.instance.id": `${temporality}-${shape}`,
});
const provider = new MeterProvider({ resource, readers: [reader], views: shape === "exponential" ? [exponential] : [] });
const meter = provider.getMeter("http");
const duration = meter.createHistogram(REQUESTS, { unit: "s", advice: { explicitBucketBoundaries: BOUNDARIES } });
const orders = meter.createCounter("orders");
const memory = meter.createGauge("memory");

function record(times, seconds, status) {
  const attributes = { "http.request.method": "GET", "http.response.status_code": status };
  for (let count = 0; count < times; count++) duration.record(seconds, attributes);
}

async function main() {
  for (let round = 0; round < 3; round++) {
    record(20, 0.02, 200);
    if (round > 0) record(2, 1.2, 500);
    orders.add(3);
    memory.record(0.5);
    await new Promise((done) => setTimeout(done, 1500));
    await reader.forceFlush();
  }
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
