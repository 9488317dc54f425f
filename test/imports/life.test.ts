import { lifeScenarios } from './life.scenarios.ts';
import { startPlace } from './place.ts';
import { undoRequestScenarios } from './undo.requests.scenarios.ts';

const place = startPlace();
lifeScenarios(place);
undoRequestScenarios(place);
