/** Import this before any function's runtime, because its logger reads the environment when it is created. */
process.env.POWERTOOLS_LOG_LEVEL = 'SILENT';
process.env.POWERTOOLS_METRICS_DISABLED = 'true';
