// The rendered configuration, and that it routes what the modules declare.
#include <doctest/doctest.h>

#include <filesystem>
#include <set>

#include "gateway/gateway.hpp"
#include "gateway/upstream.hpp"
#include "loader/library.hpp"

namespace cleave::test {
namespace {

std::set<std::string> service_files() {
  std::set<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(CLEAVE_SOURCE_DIR "/docker/nginx/services")) {
    names.insert(entry.path().stem());
  }
  return names;
}

/// Name and public path of each module, as the host reads them.
std::map<std::string, std::string> declared() {
  const loader::Loaded loaded = loader::load_directory(CLEAVE_MODULE_DIR, {});
  REQUIRE(loaded.refusals.empty());
  std::map<std::string, std::string> paths;
  for (const loader::Library& library : loaded.libraries) {
    if (library.module->path != nullptr) paths[std::string(library.name())] = library.module->path;
  }
  return paths;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

TEST_CASE("nginx takes the configuration, with one upstream a service") {
  const Rendered rendered({{"GATEWAY_TO_USER", "127.0.0.1:5001 127.0.0.1:5002"},
                           {"GATEWAY_TO_PRODUCT", "unix:/run/cleave/product.sock"}});
  const Ran ran = run("PATH=$PATH:/usr/sbin nginx -t -e stderr -c " + rendered.config());
  INFO(ran.output);
  CHECK(ran.code == 0);
  CHECK(ran.output.find("[warn]") == std::string::npos);
  const std::string upstreams = rendered.file("upstreams.conf");
  CHECK(upstreams.find("server 127.0.0.1:5002 ") != std::string::npos);
  CHECK(upstreams.find("server unix:/run/cleave/product.sock ") != std::string::npos);
  CHECK(upstreams.find("upstream order {") != std::string::npos);
}

TEST_CASE("no placeholder is left in what was rendered") {
  const Rendered rendered({});
  for (const char* name : {"nginx.conf", "errors.conf", "problem.conf", "problems.conf",
                           "refusals.conf", "upstreams.conf", "services/user.conf"}) {
    CAPTURE(name);
    const std::string text = rendered.file(name);
    CHECK(!text.empty());
    CHECK(text.find("${") == std::string::npos);
  }
}

TEST_CASE("the address that it listens at is a name of the gateway's, unless names were given") {
  const auto line = [](const Settings& settings) {
    const std::string text = Rendered(settings).file("nginx.conf");
    const std::size_t at = text.find("server_name ") + 12;
    return text.substr(at, text.find(';', at) - at);
  };
  const std::string always = "localhost 127.0.0.1 [::1] ";
  CHECK(line({}) == always + "\"\"");
  CHECK(line({{"GATEWAY_LISTEN", "unix:/run/x:1"}}) == always + "\"\"");
  CHECK(line({{"GATEWAY_LISTEN", "localhost:80"}}) == always + "\"\"");  // twice would be a warning
  CHECK(line({{"GATEWAY_LISTEN", "192.0.2.5:80"}}) == always + "192.0.2.5 \"\"");
  CHECK(line({{"GATEWAY_LISTEN", "[2001:db8::5]:80"}}) == always + "[2001:db8::5] \"\"");
  CHECK(line({{"GATEWAY_LISTEN", "192.0.2.5:80"}, {"GATEWAY_NAMES", "shop"}}) == "shop \"\"");
}

TEST_CASE("at an address that stands for all, every name is served, as by a single host") {
  const Upstream user("user");
  for (const char* listen : {"0.0.0.0:", "[::]:"}) {
    CAPTURE(listen);
    if (listen[0] == '[' && !std::filesystem::exists("/proc/net/if_inet6")) continue;
    const Gateway gateway({{"GATEWAY_TO_USER", user.address()}, {"GATEWAY_LISTEN", listen}});
    for (const char* name : {"shop.example", "192.0.2.5:8080", "[2001:db8::5]"}) {
      CAPTURE(name);
      CHECK(gateway.ask("GET", "/users", "", {{"Host", name}}).status == 200);
    }
  }
}

TEST_CASE("the gateway routes exactly what the modules declare, each path to its own service") {
  const auto paths = declared();
  REQUIRE(!paths.empty());
  std::map<std::string, std::unique_ptr<Upstream>> upstreams;
  Settings settings;
  std::set<std::string> with_path;
  for (const auto& [name, path] : paths) {
    with_path.insert(name);
    upstreams[name] = std::make_unique<Upstream>(name);
    settings["GATEWAY_TO_" + upper(name)] = upstreams[name]->address();
  }
  CHECK(service_files() == with_path);  // a module without a file, or a file without a module

  const Gateway gateway(settings);
  for (const auto& [name, path] : paths) {
    for (const std::string& served : {path, path + "/1", path + "/", path + "?limit=2"}) {
      CAPTURE(served);
      CHECK(gateway.ask("GET", served).header("X-Upstream") == name);
    }
    // The router compares the first segment as it is; so does the gateway.
    for (const std::string& other :
         {path + "x", path + "%0a", upper(path), path.substr(0, path.size() - 1)}) {
      CAPTURE(other);
      const HttpAnswer answer = gateway.ask("GET", other);
      CHECK(answer.status == 404);
      CHECK(!answer.has("X-Upstream"));
    }
  }
}

TEST_CASE("what is not for the outside does not exist there, however it is written") {
  const Upstream user("user");
  const Gateway gateway({{"GATEWAY_TO_USER", user.address()}});
  for (const char* path :
       {"/internal/user/users", "/internal", "/metrics", "/admin", "/admin/placement", "/livez",
        "/readyz", "/readyz?verbose", "/", "/users/../internal/user/users", "/users/%2e%2e/metrics",
        "/users/..%2finternal/user/users", "/%69nternal/user/users", "//internal/user/users",
        "/users/./../metrics", "/=problem", "/=refusal", "/=refuse", "/=body"}) {
    CAPTURE(path);
    const HttpAnswer answer = gateway.ask("GET", path);
    CHECK(answer.status == 404);
    CHECK(answer.header("Content-Type") == "application/problem+json");
  }
  CHECK(user.requests() == 0);
}

}  // namespace cleave::test
