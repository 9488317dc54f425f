// RADGATE_LONG is set here, so tens of thousands of mutated files are tested.
import '../dicomweb/mutated.fuzz.test.ts';
