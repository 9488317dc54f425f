import type { systemEn as english } from '../en/system.texts.ts';
import type { ShapeOf } from '../en/en.ts';

export const systemFr: ShapeOf<typeof english> = {
  explain: {
    intro: "Saisissez un compte et un examen pour voir pourquoi le compte peut ou ne peut pas l'ouvrir.",
    user: "Nom d'utilisateur ou compte machine",
    study: "UID de l'examen",
    right: 'Droit',
    ask: 'Expliquer',
    allowed: '{{user}} a ce droit.',
    missing: {
      account_enabled: 'Non : le compte est désactivé.',
      study_in_catalog: "Non : le catalogue n'a pas cet examen.",
      group: "Non : le compte n'est dans aucun groupe.",
      grant_of_right: "Non : aucun groupe du compte n'a ce droit.",
      grant_in_time: 'Non : les attributions de ce droit sont terminées.',
      scope_over_study: "Non : aucune attribution de ce droit ne couvre l'examen.",
    },
    deciding: 'Attributions qui décident',
    others: "Attributions qui ne s'appliquent pas",
  },
  system: {
    services: 'Services',
    gatewayUp: 'La passerelle répond',
    gatewayAway: 'La passerelle ne répond pas',
    states: {
      up: '{{service}} répond',
      away: '{{service}} ne répond pas',
      off: "{{service}} n'est pas configuré",
    },
    auditStalled: "Le journal d'audit n'est pas scellé",
    holdings: 'Archive',
    counts: {
      patients: 'Patients',
      studies: 'Examens',
      series: 'Séries',
      instances: 'Instances',
      bytes: 'Taille',
      archived: 'Instances dans Orthanc',
      quarantined: 'En quarantaine',
    },
    comparison: "Comparer le catalogue avec l'archive",
    comparisonHelp:
      "La passerelle trouve les différences elle-même. Une comparaison lit toute l'archive, et on peut continuer à travailler.",
    compared: '{{done}} instances sur {{total}}',
    result: '{{when}} : {{checked}} instances vérifiées, {{adopted}} ajoutées, {{removed}} retirées.',
    compare: 'Comparer maintenant',
    running: 'En cours',
  },
  quarantine: {
    intro: 'Ces objets contredisent le catalogue : personne ne les voit. Décidez quel côté est juste.',
    search: "Partie d'un identifiant de patient ou d'un UID",
    none: "Rien n'est en quarantaine.",
    since: 'Depuis',
    reason: 'Raison',
    reasons: {
      contradicts: 'Un autre patient a cet examen ou cette série',
      altered: 'Autre contenu sous le même UID',
      unusable: 'Des identifiants manquent ou ne sont pas valides',
      unreadable: 'Le fichier est illisible',
      'other-patient': 'Fichier d’un autre patient que celui indiqué',
    },
    arrived: 'Ce qui est arrivé',
    held: 'Ce que le catalogue contient',
    decision: 'Décision',
    accept: 'Accepter',
    discard: 'Écarter',
    meaning: {
      accept:
        'Les objets arrivés deviennent visibles. Les objets du catalogue qui les contredisent vont en quarantaine.',
      discard: "Les objets arrivés sont supprimés de l'archive. On ne peut pas l'annuler.",
    },
  },
};
