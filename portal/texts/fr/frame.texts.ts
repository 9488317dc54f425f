import type { frameEn as english } from '../en/frame.texts.ts';
import type { ShapeOf } from '../en/en.ts';

export const frameFr: ShapeOf<typeof english> = {
  menu: { studies: 'Examens', images: 'Mes images', looked: 'Qui les a vues', profile: 'Profil' },
  frame: {
    menu: 'Menu',
    skip: 'Aller au contenu',
    collapse: 'Afficher seulement les icônes',
    expand: 'Afficher les noms du menu',
    search: 'Nom, identifiant, numéro ou description',
    nothingTitle: "Il n'y a rien ici",
    nothing: "Cette page n'existe pas, ou votre compte n'y a pas accès.",
    start: "Aller à la page d'accueil",
  },
  account: {
    language: 'Langue',
    look: 'Apparence',
    schemes: { auto: 'Comme le système', light: 'Claire', dark: 'Sombre' },
    signOut: 'Se déconnecter',
    signOutFailed: "Le serveur n'a pas répondu. Vous êtes toujours connecté.",
  },
  session: {
    soonTitle: 'Votre session se termine bientôt',
    soon: "Vous n'avez pas utilisé Radgate depuis un moment. Votre session se termine dans {{minutes}}:{{seconds}}.",
    stay: 'Rester connecté',
    endedTitle: 'Votre session est terminée',
    ended: 'Reconnectez-vous en tant que {{name}}. La page reste telle quelle.',
    password: 'Mot de passe',
    again: 'Se connecter',
    other: 'Se connecter avec un autre compte',
    outcomes: {
      wrong: 'Le mot de passe est faux.',
      'too-many': 'Trop de tentatives. Attendez une minute, puis réessayez.',
      away: 'Le serveur ne répond pas. Réessayez dans un instant.',
      refused: 'Le serveur a refusé la connexion. Rechargez la page et réessayez.',
    },
  },
  problems: {
    page: "Cette page n'a pas pu être affichée. Réessayez.",
    refused: 'Le serveur a refusé la requête ({{status}}).',
    request: 'Requête',
    again: 'Réessayer',
    codes: {
      'no-answer': 'Le serveur ne répond pas. Vérifiez votre connexion et réessayez.',
      'service-unavailable': 'Le serveur ne peut pas répondre maintenant. Réessayez dans un instant.',
      'internal-error':
        "Une erreur s'est produite dans le serveur. Donnez le numéro de la requête à l'exploitant.",
      'not-authenticated': 'Votre session est terminée. Reconnectez-vous.',
      'right-missing': "Votre compte n'a pas le droit de faire cela.",
      'not-found': "Cela n'existe pas, ou votre compte n'y a pas accès.",
      'too-many-requests': 'Trop de requêtes. Attendez un instant, puis réessayez.',
    },
  },
  profile: { groups: 'Groupes : {{groups}}', interface: "Documentation de l'interface pour les programmes" },
  password: {
    title: 'Changer le mot de passe',
    current: 'Mot de passe actuel',
    currentMissing: 'Saisissez votre mot de passe actuel.',
    next: 'Nouveau mot de passe',
    rules:
      'Au moins {{count}} caractères. Plusieurs mots se retiennent facilement. Les mots de passe courants sont refusés.',
    short: 'Utilisez au moins {{count}} caractères.',
    change: 'Changer le mot de passe',
    done: 'Le mot de passe est changé. Vos autres connexions sont terminées.',
  },
  sessions: {
    title: 'Où vous êtes connecté',
    program: 'Un programme',
    browser: 'Un navigateur',
    used: 'dernière utilisation : {{when}}',
    this: 'Ce navigateur',
    end: 'Déconnecter',
    endOthers_one: 'Déconnecter {{count}} autre',
    endOthers_other: 'Déconnecter les {{count}} autres',
  },
};
