// The same answers as app.py, from the HTTP server of the JDK: `java Served.java PORT`.
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

class Served {
    public static void main(String[] arguments) throws Exception {
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 0);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/", exchange -> {
            var body = exchange.getRequestBody().readAllBytes();
            var headers = exchange.getResponseHeaders();
            var condition = exchange.getRequestHeaders().getFirst("If-None-Match");
            int status = 200;
            byte[] said = new byte[0];
            switch (exchange.getRequestURI().getPath()) {
                case "/echo" -> said = body;
                case "/chunked" -> {
                    exchange.sendResponseHeaders(200, 0); // in chunks
                    try (var out = exchange.getResponseBody()) {
                        out.write("one two ".getBytes(StandardCharsets.UTF_8));
                        out.write(body);
                    }
                    return;
                }
                case "/empty" -> status = 204;
                case "/moved" -> {
                    status = 302;
                    headers.set("Location", "/page.txt");
                }
                case "/large" -> {
                    for (int number = 0; number < 70; number++) headers.set("X-Many-" + number, "a".repeat(1000));
                    said = "ok".getBytes(StandardCharsets.UTF_8);
                }
                case "/page.txt" -> {
                    headers.set("ETag", "\"one\"");
                    if ("\"one\"".equals(condition)) status = 304;
                    else said = "hello ".repeat(400).getBytes(StandardCharsets.UTF_8);
                }
                default -> status = 404;
            }
            exchange.sendResponseHeaders(status, said.length == 0 ? -1 : said.length);
            if (said.length > 0) exchange.getResponseBody().write(said);
            exchange.close();
        });
        server.start();
    }
}
