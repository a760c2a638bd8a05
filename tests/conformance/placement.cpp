#include "conformance/placement.hpp"

#include <signal.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "supervise/embedded.hpp"

namespace cleave::test {
namespace {

// Several, also on a small machine: what loops share is a part of what is tested.
const char* const kLoops = "3";

bool ended_well(HostProcess& host, const std::string& name) {
  host.signal(SIGTERM);
  const std::optional<int> code = host.wait();
  if (code == 0) return true;
  std::fprintf(stderr, "the host %s ended with %d; its log:\n%s\n", name.c_str(), code.value_or(-1),
               host.err().c_str());
  return false;
}

class Fused final : public Placement {
 public:
  explicit Fused(const HostProcess::Arguments& guard = {})
      : host_(run_arguments(directory_ / "data", with_loops(guard))) {
    if (!host_.wait_until_serving()) throw std::runtime_error("there is no system to test");
  }
  HostProcess& host_of(const std::string&) override { return host_; }
  void restart(const std::string&) override {
    throw std::logic_error("the fused system is one process");
  }
  bool stop() override { return ended_well(host_, "of all modules"); }
  std::string log() const override { return host_.err(); }
  std::string database_url(const std::string& module) const override {
    // Where the socket lies is the host's own affair; PostgreSQL tells it in the fifth line.
    std::ifstream file(directory_ / "data/postgres/postmaster.pid");
    std::string line;
    for (int i = 0; i < 5; ++i) std::getline(file, line);
    return "host=" + line + " dbname=" + module + " user=" + module + "_app";
  }

 private:
  static HostProcess::Arguments with_loops(HostProcess::Arguments arguments) {
    arguments.insert(arguments.end(), {"--threads", kLoops});
    return arguments;
  }
  OpenTempDir directory_;
  HostProcess host_;
};

class Split final : public Placement {
 public:
  Split()
      : servers_(supervise::Embedded::start(
            {.data_dir = directory_ / "data", .modules = {"user", "product", "order"}})) {
    for (const std::string module : {"user", "product", "order"}) start(module);
  }
  HostProcess& host_of(const std::string& module) override { return *hosts_.at(module); }
  void restart(const std::string& module) override {
    HostProcess& host = host_of(module);
    host.signal(SIGKILL);
    host.wait();
    earlier_logs_ += host.err();
    start(module);
  }
  bool stop() override {
    bool well = true;
    for (const std::string module : {"order", "product", "user"}) {
      well = ended_well(host_of(module), module) && well;
    }
    return well;
  }
  std::string log() const override {
    std::string all = earlier_logs_;
    for (const auto& [module, host] : hosts_) all += host->err();
    return all;
  }
  std::string database_url(const std::string& module) const override {
    for (const supervise::ModuleDatabase& one : servers_->databases()) {
      if (one.module == module) return one.runtime_url;
    }
    throw std::logic_error("there is no database of " + module);
  }

 private:
  static std::string key(const std::string& module, const std::string& what) {
    std::string name = "CLEAVE_" + module + "_" + what;
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    return name;
  }

  void start(const std::string& module) {
    HostProcess::Environment environment{{"CLEAVE_MODULES", module},
                                         {"CLEAVE_SERVICE_TOKEN", "of-the-conformance-suite"},
                                         {"CLEAVE_REDIS_URL", servers_->redis_url()}};
    for (const supervise::ModuleDatabase& one : servers_->databases()) {
      if (one.module != module) continue;
      environment[key(module, "DATABASE_URL")] = one.runtime_url;
      environment[key(module, "OWNER_DATABASE_URL")] = one.owner_url;
    }
    if (module == "order") {
      for (const std::string peer : {"user", "product"}) {
        environment[key(peer, "URL")] = host_of(peer).address();
      }
    }
    const std::string listen =
        module == "user" ? "unix:" + (directory_ / "user.sock").string() : "127.0.0.1:0";
    auto host = std::make_unique<HostProcess>(
        HostProcess::Arguments{"run", "--listen", listen, "--admin-listen", "127.0.0.1:0",
                               "--log-format", "json", "--threads", kLoops},
        environment);
    if (!host->wait_until_serving()) throw std::runtime_error("there is no host for " + module);
    hosts_[module] = std::move(host);
  }

  OpenTempDir directory_;
  std::unique_ptr<supervise::Embedded> servers_;
  std::map<std::string, std::unique_ptr<HostProcess>> hosts_;
  std::string earlier_logs_;
};

}  // namespace

std::unique_ptr<Placement> Placement::start(const std::string& name) {
  if (name.empty() || name == "fused") return std::make_unique<Fused>();
  if (name == "guarded") {
    return std::make_unique<Fused>(HostProcess::Arguments{"--guard", "user,product,order"});
  }
  if (name == "split") return std::make_unique<Split>();
  throw std::runtime_error("CLEAVE_TEST_PLACEMENT is \"" + name +
                           "\"; it is fused, guarded or split");
}

}  // namespace cleave::test
