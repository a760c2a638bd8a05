#include "supervise/gateway.hpp"

#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <thread>

#include "supervise/files.hpp"

namespace cleave::supervise {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// A folder like docker/nginx, with the services of this system: render.sh renders the folder that
/// it lies in.
void stage(const GatewayOptions& options, const fs::path& folder) {
  fs::create_directories(folder / "services");
  for (const auto& entry : fs::directory_iterator(options.files)) {
    const fs::path name = entry.path().filename();
    if (name.extension() == ".conf" || name == "render.sh") fs::copy(entry.path(), folder / name);
  }
  for (const GatewayOptions::Service& service : options.services) {
    const fs::path own = options.files / "services" / (service.name + ".conf");
    const fs::path file = folder / "services" / own.filename();
    const std::string pass = " {\n  proxy_pass http://" + service.name + ";\n}\n";
    if (fs::exists(own)) {
      fs::copy(own, file);
    } else {  // letters, digits, "-" and "_" only: nothing in a path has a meaning for nginx
      std::ofstream(file) << "location = " << service.path << pass << "location " << service.path
                          << "/" << pass;
    }
  }
}

/// As render.sh makes it: NAME in capitals, "-" as "_".
std::string variable(const std::string& service) {
  std::string name = "GATEWAY_TO_" + service;
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

std::vector<std::string> environment(const GatewayOptions& options) {
  std::vector<std::string> list;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    // Limits and names of the gateway's are the user's to choose; secrets are not for it to know.
    if (!std::string_view(*entry).starts_with("CLEAVE_")) list.emplace_back(*entry);
  }
  list.push_back("GATEWAY_LISTEN=" + options.listen);
  list.push_back("GATEWAY_RUN_AS=" + options.run_as);
  for (const GatewayOptions::Service& service : options.services) {
    list.push_back(variable(service.name) + "=" + service.address);
  }
  return list;
}

void render(const GatewayOptions& options, const fs::path& script) {
  const fs::path log = options.directory / "render.log";
  Child shell({.name = "render.sh",
               .argv = {"/bin/sh", script.string(), options.directory.string()},
               .log_file = log,
               .environment = environment(options)});
  while (shell.running()) std::this_thread::sleep_for(1ms);
  if (shell.stop(SIGTERM, 0ms) != 0) {
    throw std::runtime_error("cannot render the gateway's configuration from " +
                             options.files.string() + ": " + last_line(log));
  }
}

}  // namespace

fs::path find_gateway(const fs::path& files) {
  if (!fs::exists(files / "render.sh")) {
    throw std::runtime_error(
        "the gateway's configuration is not at " + files.string() +
        ": copy docker/nginx of the sources there; in containers the gateway is one of its own, "
        "see `docker compose up` (and `cleave up fused` needs none)");
  }
  const fs::path found = find_program("nginx", {"/usr/sbin", "/usr/local/sbin"});
  if (found.empty()) {
    throw std::runtime_error(
        "NGINX is not installed: sudo apt-get install nginx-light (or `cleave up fused`, which "
        "needs none)");
  }
  return found;
}

ChildOptions make_gateway(const GatewayOptions& options) {
  const fs::path program = find_gateway(options.files);
  const fs::path templates = options.directory / "templates";
  try {
    stage(options, templates);
    // Its workers may be another user's, and keep long bodies in there, whatever our umask is.
    fs::permissions(options.directory, fs::perms(0711));
  } catch (const fs::filesystem_error& error) {
    throw std::runtime_error(std::string("cannot copy the gateway's configuration: ") +
                             error.what());
  }
  render(options, templates / "render.sh");
  return {.name = "gateway",
          .argv = {program.string(), "-e", "stderr", "-c",
                   (options.directory / "nginx.conf").string(), "-g", "daemon off;"}};
}

}  // namespace cleave::supervise
