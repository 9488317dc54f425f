// Tens of thousands of mutated files: here RADGATE_LONG is set.
import '../dicomweb/mutated.fuzz.test.ts';
