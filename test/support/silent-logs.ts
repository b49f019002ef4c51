/** Import this before any function's runtime, because its logger reads the environment when it is loaded. */
process.env.AWS_LAMBDA_LOG_LEVEL = 'SILENT';
