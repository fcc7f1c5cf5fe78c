// Writes down what ran after each test file: Jest may kill a worker before it could do so at its end.
const { takeCoverage } = require("node:v8");

if (process.env.NODE_V8_COVERAGE !== undefined) afterAll(() => takeCoverage());
