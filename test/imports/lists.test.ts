import { identifierScenarios } from './identifiers.scenarios.ts';
import { startPlace } from './place.ts';
import { twinScenarios } from './twin.scenarios.ts';

const place = startPlace();
twinScenarios(place);
identifierScenarios(place);
