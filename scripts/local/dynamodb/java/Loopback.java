import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import java.io.IOException;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * DynamoDB Local on 127.0.0.1 alone. Its own main has no option for the address and listens on all of them, so the
 * server inside is told before it starts. Argument: the port, 0 for any free one. Prints one JSON line when it listens.
 */
public final class Loopback {
  public static void main(String[] args) throws Exception {
    // The port that is given here is checked, then replaced: 0 would be refused.
    DynamoDBProxyServer proxy =
        ServerRunner.createServerFromCommandLineArgs(new String[] {"-inMemory", "-sharedDb", "-disableTelemetry", "-port", "8000"});
    var field = DynamoDBProxyServer.class.getDeclaredField("server");
    field.setAccessible(true);
    Server server = (Server) field.get(proxy);
    ServerConnector connector = null;
    for (Connector each : server.getConnectors()) {
      connector = (ServerConnector) each;
      connector.setHost("127.0.0.1");
      connector.setPort(Integer.parseInt(args[0]));
    }
    try {
      proxy.start();
    } catch (IOException failure) {
      Throwable cause = failure;
      while (cause.getCause() != null) cause = cause.getCause();
      System.err.println("cannot listen on 127.0.0.1:" + args[0] + ": " + cause.getMessage());
      System.exit(1);
    }
    System.out.println("{\"type\":\"ready\",\"endpoint\":\"http://127.0.0.1:" + connector.getLocalPort() + "\"}");
    proxy.join();
  }
}
