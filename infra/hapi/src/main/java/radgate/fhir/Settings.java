package radgate.fhir;

import java.nio.file.Path;

/**
 * The settings of the operator. Each is a system property ({@code fhir.data}) or an environment variable ({@code
 * FHIR_DATA}). If no database is set, H2 stores the records in the data folder.
 */
record Settings(String host, int port, String token, String databaseUrl, String databaseUser, String databasePassword) {

  /** Reads the settings. The exception for an invalid setting names the setting. */
  static Settings read() {
    String host = value("host", "127.0.0.1");
    String token = value("token", "");
    if (!isLoopback(host) && token.isEmpty())
      throw new IllegalArgumentException("FHIR_TOKEN is needed when FHIR_HOST is another than 127.0.0.1");
    String url = value("database.url", "");
    return new Settings(
        host,
        readPort(),
        token,
        url.isEmpty() ? h2Url() : url,
        value("database.user", ""),
        value("database.password", ""));
  }

  boolean loopbackOnly() {
    return isLoopback(host);
  }

  boolean postgres() {
    return databaseUrl.startsWith("jdbc:postgresql:");
  }

  private static boolean isLoopback(String host) {
    return host.equals("127.0.0.1") || host.equals("localhost") || host.equals("::1");
  }

  private static int readPort() {
    String text = value("port", "8080");
    if (!text.matches("\\d{1,5}")) throw new IllegalArgumentException("FHIR_PORT needs a number");
    return Integer.parseInt(text);
  }

  /**
   * With this URL, H2 writes every commit to disk before it confirms the commit. By default, H2 writes it half a second
   * later. H2 also writes no trace file, because a trace file would quote records.
   */
  private static String h2Url() {
    String folder = value("data", "");
    if (folder.isEmpty()) throw new IllegalArgumentException("FHIR_DATA (a folder) or FHIR_DATABASE_URL is needed");
    Path file = Path.of(folder).toAbsolutePath().resolve("fhir");
    if (file.toString().contains(";")) throw new IllegalArgumentException("FHIR_DATA may not contain a semicolon");
    return "jdbc:h2:file:" + file + ";WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE;TRACE_LEVEL_FILE=0";
  }

  private static String value(String name, String missing) {
    String property = System.getProperty("fhir." + name);
    if (property != null) return property;
    String variable = System.getenv("FHIR_" + name.toUpperCase(java.util.Locale.ROOT).replace('.', '_'));
    return variable == null ? missing : variable;
  }
}
