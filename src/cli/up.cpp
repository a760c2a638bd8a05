// cleave up: the whole system on this machine, one host a group of modules, until SIGTERM or
// Ctrl-C.
#include <pthread.h>

#include <csignal>
#include <cstring>

#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "cli/system.hpp"
#include "cli/up_hosts.hpp"
#include "http/listener.hpp"
#include "http/probe.hpp"
#include "http/secret.hpp"
#include "io/timer.hpp"
#include "supervise/front.hpp"
#include "supervise/gateway.hpp"
#include "supervise/run_dir.hpp"
#include "supervise/supervisor.hpp"

namespace cleave::cli {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{60000};      // to get ready; the first start makes databases
constexpr milliseconds kGatewayDrain{10000};  // requests in hand, then they are cut
constexpr milliseconds kHostDrain{12000};     // above what a host allows itself
// timeout(1) and some shells send a stop signal to us and to our group: the same one twice.
constexpr milliseconds kSameSignal{300};

fs::path executable() {
  return fs::read_symlink("/proc/self/exe");
}

/// Beside the executable in the build tree, under share/ when installed.
fs::path gateway_files() {
  const fs::path root = executable().parent_path().parent_path();
  return fs::exists(root / "gateway") ? root / "gateway" : root / "share/cleave/gateway";
}

/// The part of an address that a child, which works in "/", would misunderstand.
std::string absolute(const std::string& listen) {
  constexpr std::string_view kUnix = "unix:";
  if (!listen.starts_with(kUnix)) return listen;
  return std::string(kUnix) + fs::absolute(listen.substr(kUnix.size())).string();
}

std::string as_url(const std::string& address) {
  return address.starts_with("unix:") ? address : "http://" + address;
}

std::vector<Group> partition_of(const std::string& text, const Options& options) {
  try {
    return parse_partition(text, options.loaded.libraries);
  } catch (const BadPartition& error) {
    throw Failure(kConfig, error.what());
  }
}

class LocalSystem {
 public:
  LocalSystem(Options& options, const UpArguments& arguments, const sigset_t& signals)
      : options_(options), given_(arguments.given), signals_(signals) {
    require_modules(options.loaded, options.settings);
    decide_threads(options.settings);
    const std::vector<Group> groups = partition_of(arguments.partition, options);
    const bool alone = groups.size() == 1;
    host::Settings& settings = options.settings;
    // A single host has nobody to show it to, unless a module runs elsewhere; then it was given.
    if (!alone && settings.service_token.empty()) settings.service_token = http::make_secret();
    require_urls(settings);
    require_placement(options);
    try {
      if (!alone) supervise::find_gateway(gateway_files());
    } catch (const std::runtime_error& error) {
      throw Failure(kUnavailable, error.what());
    }
    bind(absolute(settings.listen));
    for (const Group& group : groups) hosts_.push_back({group, front_, settings.admin_listen});
  }

  /// Returns a stop signal that came before all was ready, else 0. Throws Failure.
  int start() {
    embedded_ = start_embedded(options_.settings, true);
    supervisor_ = std::make_unique<supervise::Supervisor>(signals_);
    if (!with_gateway()) {
      door_.reset();  // the host's now
    } else {
      give_sockets();
    }
    for (const HostPlan& host : hosts_) start_host(host);
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      if (const int signal = wait_until(i, hosts_[i].listen, true)) return signal;
    }
    if (with_gateway()) {
      if (const int signal = start_gateway()) return signal;
    }
    supervisor_->keep_alive();
    return 0;
  }

  /// Until a stop signal, which is returned.
  int serve() {
    for (;;) {
      if (const int signal = supervisor_->tend(std::chrono::hours(1))) return signal;
    }
  }

  /// The gateway first, so that nothing new comes; then dependants before what they depend on. The
  /// embedded servers go with this object. False: a second signal ended it.
  bool stop() {
    if (!supervisor_) return true;
    const io::TimePoint began = io::Clock::now();
    for (std::size_t i = started_; i-- > 0;) {
      const bool gateway = i == hosts_.size();
      while (supervisor_->stop(i, gateway ? SIGQUIT : SIGTERM,
                               gateway ? kGatewayDrain : kHostDrain) != 0) {
        if (io::Clock::now() - began > kSameSignal) return false;
      }
    }
    return true;
  }

  std::vector<ProcessRow> rows() const {
    std::vector<ProcessRow> rows;
    if (with_gateway()) rows.push_back({"gateway", pid(hosts_.size()), as_url(front_), "-"});
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      rows.push_back({hosts_[i].group.name(), pid(i), as_url(hosts_[i].listen), hosts_[i].admin});
    }
    return rows;
  }
  std::string url() const { return as_url(front_); }

 private:
  bool with_gateway() const { return hosts_.size() > 1; }
  pid_t pid(std::size_t number) const { return supervisor_->pid(number); }

  /// Held until its real owner starts: a taken port is told before anything else is done, and a
  /// free one, asked for by 0, gets its number.
  void bind(const std::string& address) {
    try {
      door_ = std::make_unique<http::Listener>(address);
    } catch (const std::runtime_error& error) {
      throw Failure(kConfig, error.what());
    }
    front_ = door_->address();
  }

  /// The first module names a host's sockets: no other host has it, and their paths must be short.
  void give_sockets() {
    try {
      sockets_ = supervise::make_front(directory_);
    } catch (const std::runtime_error& error) {
      throw Failure(kUnavailable, error.what());
    }
    for (HostPlan& host : hosts_) {
      const std::string& name = host.group.modules.front();
      host.listen = "unix:" + (sockets_.directory / (name + ".sock")).string();
      if (host.admin != "off") host.admin = "unix:" + (directory_ / (name + ".admin")).string();
    }
  }

  void start_host(const HostPlan& host) {
    launch({.name = host.group.name(),
            .argv = {executable().string(), "run"},
            .environment = host_environment(host, hosts_, options_, given_)});
  }

  int start_gateway() {
    supervise::GatewayOptions gateway{.files = gateway_files(),
                                      .directory = directory_ / "gateway",
                                      .listen = front_,
                                      .run_as = sockets_.run_as};
    for (const loader::Library& library : options_.loaded.libraries) {
      if (library.module->path == nullptr) continue;  // for its peers only
      for (const HostPlan& host : hosts_) {
        const auto& modules = host.group.modules;
        if (std::find(modules.begin(), modules.end(), library.name()) == modules.end()) continue;
        gateway.services.push_back(
            {std::string(library.name()), library.module->path, host.listen});
      }
    }
    supervise::ChildOptions child;
    try {
      child = supervise::make_gateway(gateway);
    } catch (const std::runtime_error& error) {
      throw Failure(kConfig, error.what());
    }
    door_.reset();
    launch(std::move(child));
    return wait_until(hosts_.size(), front_, false);
  }

  /// Gateway and hosts let each other go on when they wake: then more requests come in one turn,
  /// and less time goes into switching (docs/decisions/0026-no-preemption-in-up.md).
  void launch(supervise::ChildOptions child) {
    child.preempts = !with_gateway();
    try {
      supervisor_->start(std::move(child));
    } catch (const std::runtime_error& error) {
      throw Failure(kUnavailable, error.what());
    }
    ++started_;
  }

  /// A host says when it is ready; the gateway only has to answer, as it hides that route.
  int wait_until(std::size_t number, const std::string& address, bool ready) {
    const io::TimePoint give_up = io::Clock::now() + kPatience;
    const std::string name = number < hosts_.size() ? hosts_[number].group.name() : "gateway";
    for (;;) {
      const int status = http::probe_readiness(address).status;
      if (ready ? status == 200 : status != 0) return 0;
      if (const int signal = supervisor_->tend(milliseconds(10))) return signal;
      refuse_ended();
      if (io::Clock::now() >= give_up) {
        throw Failure(kUnavailable, name + " is not ready after a minute; its lines say why");
      }
    }
  }

  /// Before all are ready, one that ends is a mistake to be mended, not a crash.
  void refuse_ended() const {
    for (std::size_t i = 0; i < started_; ++i) {
      if (pid(i) > 0) continue;
      const std::string name = i < hosts_.size() ? hosts_[i].group.name() : "gateway";
      throw Failure(supervisor_->exit_code(i) == kConfig ? kConfig : kUnavailable,
                    name + " ended before it was ready (" + supervisor_->ending(i) +
                        "); its lines above say why");
    }
  }

  Options& options_;
  const Given given_;
  const sigset_t signals_;
  std::string front_;
  std::unique_ptr<http::Listener> door_;
  std::vector<HostPlan> hosts_;
  // What stands below ends before what stands above.
  std::unique_ptr<supervise::Embedded> embedded_;
  supervise::RunDir directory_;
  supervise::Front sockets_;
  std::unique_ptr<supervise::Supervisor> supervisor_;
  std::size_t started_ = 0;
};

/// Returns those that stop. Also SIGCHLD is read by the supervisor, see there.
sigset_t block_signals() {
  sigset_t stop;
  sigemptyset(&stop);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&stop, signal);
  sigset_t all = stop;
  sigaddset(&all, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  return stop;
}

/// On a terminal a table; for a log collector a line each.
void tell_ready(const LocalSystem& system, milliseconds took) {
  if (log::is_text()) {
    print_processes(system.rows());
  } else {
    for (const ProcessRow& row : system.rows()) {
      log::info("up", "ready",
                {{"process", row.name},
                 {"pid", std::to_string(row.pid)},
                 {"address", row.address},
                 {"admin", row.admin}});
    }
  }
  log::info("up", "the system serves; Ctrl-C or SIGTERM stops all of it",
            {{"front", system.url()}, {"start_ms", std::to_string(took.count())}});
}

}  // namespace

int up(Options& options, const UpArguments& arguments) {
  const io::TimePoint began = io::Clock::now();
  const sigset_t signals = block_signals();
  LocalSystem system(options, arguments, signals);
  int signal = system.start();
  if (signal == 0) {
    tell_ready(system, std::chrono::duration_cast<milliseconds>(io::Clock::now() - began));
    signal = system.serve();
  }
  log::info("up", "stopping; a second signal ends at once", {{"signal", strsignal(signal)}});
  if (system.stop()) {
    log::info("up", "stopped");
    return kOk;
  }
  log::warn("up", "ended at once, with requests still in hand");
  return kFailed;
}

}  // namespace cleave::cli
