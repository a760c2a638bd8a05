#include "differential/deployment.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace cleave::test {
namespace {

constexpr const char* kModules[] = {"user", "product", "order"};

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

/// "/orders/7?x" -> "order"; what nobody serves goes to the first host, as a client's would.
std::string_view module_of(std::string_view path) {
  for (const std::string_view module : kModules) {
    if (path.starts_with("/" + std::string(module) + "s")) return module;
  }
  return kModules[0];
}

}  // namespace

Deployment::Deployment(Shape shape)
    : shape_(std::move(shape)),
      servers_(
          supervise::Embedded::start({.data_dir = directory_ / "data",
                                      .modules = {std::begin(kModules), std::end(kModules)}})) {
  for (const auto& modules : shape_.hosts) start(modules);
  if (!shape_.gateway) return;
  Settings settings;
  for (const std::string module : kModules) {
    std::string to = host_of(module).address();
    if (to.starts_with("http://")) to.erase(0, 7);
    settings["GATEWAY_TO_" + upper(module)] = to;
  }
  gateway_ = std::make_unique<Gateway>(std::move(settings));
}

void Deployment::start(const std::vector<std::string>& modules) {
  const auto here = [&](const std::string& module) {
    return std::find(modules.begin(), modules.end(), module) != modules.end();
  };
  HostProcess::Environment environment{{"CLEAVE_MODULES", join(modules)},
                                       {"CLEAVE_REDIS_URL", servers_->redis_url()}};
  if (shape_.hosts.size() > 1) environment["CLEAVE_SERVICE_TOKEN"] = "between-the-hosts";
  for (const supervise::ModuleDatabase& one : servers_->databases()) {
    if (!here(one.module)) continue;
    environment["CLEAVE_" + upper(one.module) + "_DATABASE_URL"] = one.runtime_url;
    environment["CLEAVE_" + upper(one.module) + "_OWNER_DATABASE_URL"] = one.owner_url;
  }
  for (const Host& earlier : hosts_) {
    for (const std::string& module : earlier.modules) {
      environment["CLEAVE_" + upper(module) + "_URL"] = earlier.process->address();
    }
  }
  HostProcess::Arguments arguments{"run",         "--listen",     "127.0.0.1:0", "--admin-listen",
                                   "127.0.0.1:0", "--log-format", "json"};
  arguments.insert(arguments.end(), shape_.more.begin(), shape_.more.end());
  auto process = std::make_unique<HostProcess>(arguments, environment);
  if (!process->wait_until_serving()) {
    throw std::runtime_error("there is no host for " + join(modules));
  }
  hosts_.push_back({modules, std::move(process)});
}

HostProcess& Deployment::host_of(std::string_view module) const {
  for (const Host& host : hosts_) {
    if (std::find(host.modules.begin(), host.modules.end(), module) != host.modules.end()) {
      return *host.process;
    }
  }
  throw std::runtime_error("no host runs " + std::string(module));
}

const std::string& Deployment::address(std::string_view path) const {
  return gateway_ ? gateway_->address() : host_of(module_of(path)).address();
}

bool seed(const Deployment& system) {
  return system.post("/users", R"({"name":"Ada","email":"ada@example.org"})").status == 201 &&
         system.post("/products", R"({"name":"Lamp","price_cents":1250})").status == 201;
}

}  // namespace cleave::test
