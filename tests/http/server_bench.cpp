// The door alone, to be measured by hand: serves 100 bytes of JSON on the given address until
// standard input ends. For example
//   server_bench 127.0.0.1:8090 2 & wrk -t1 -c32 -d10 http://127.0.0.1:8090/
#include <cstdio>
#include <cstdlib>
#include <string>

#include "http/server.hpp"

int main(int argc, char** argv) {
  const std::string address = argc > 1 ? argv[1] : "127.0.0.1:8090";
  const unsigned loops = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 2;
  cleave::io::Threads threads(loops);
  const std::string body = "{\"pad\":\"" + std::string(90, 'x') + "\"}";
  cleave::http::Server server(
      {.name = "bench",
       .listen = address,
       .handler =
           [&body](const cleave::Request&, cleave::router::RequestScope&, cleave::Response& out) {
             out.body = body;
             out.set("Content-Type", "application/json");
           }},
      threads);
  server.start();
  std::printf("%s\n", server.address().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}
