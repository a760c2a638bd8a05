// cleave run: one host, until SIGTERM or Ctrl-C.
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "cli/commands.hpp"
#include "cli/join.hpp"
#include "cli/system.hpp"
#include "host/crash.hpp"
#include "host/placement_api.hpp"
#include "http/admin.hpp"
#include "http/internal.hpp"
#include "http/listener.hpp"
#include "http/server.hpp"
#include "io/watchdog.hpp"

namespace cleave::cli {
namespace {

// After a stop signal: how long answers say "Connection: close" before the listener goes, and how
// long the whole drain may take. A gateway's idle connections learn of it in the first part.
constexpr io::Millis kDrain{10000};

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

/// True for a stop signal, false when `time` passes first.
bool wait_for_signal(const sigset_t& set, io::Millis time) {
  const timespec limit{.tv_sec = time.count() / 1000, .tv_nsec = (time.count() % 1000) * 1000000};
  return sigtimedwait(&set, nullptr, &limit) > 0;
}

/// Ten thousand idle clients need ten thousand descriptors; the soft limit is there for select(2).
void raise_descriptor_limit() {
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

class Servers {
 public:
  Servers(const host::Settings& settings, System& system)
      : system_(system), token_(settings.service_token) {
    http::Options options{.name = "public", .listen = settings.listen, .limits = settings.limits};
    options.handler =
        http::with_health([this](const Request& request, router::RequestScope& scope,
                                 Response& response) { services_(request, scope, response); },
                          [this] { return not_ready(); });
    public_ = std::make_unique<http::Server>(std::move(options), system.threads());
    if (settings.admin_listen == "off") return;
    if (settings.admin_token.empty() && !http::is_loopback(settings.admin_listen)) {
      throw std::runtime_error("the admin listener " + settings.admin_listen +
                               " is not on loopback: give a token, CLEAVE_ADMIN_TOKEN[_FILE]");
    }
    http::AdminOptions admin{
        .token = settings.admin_token,
        .not_ready = [this] { return not_ready(); },
        .metrics = [&system] { return system.application().metrics().render(); },
        .placement = [this](const Request& request, router::RequestScope& scope,
                            Response& response) { placement_(request, scope, response); }};
    admin_ = std::make_unique<http::Server>(
        http::Options{.name = "admin",
                      .listen = settings.admin_listen,
                      .limits = settings.limits,
                      .handler = http::admin_handler(std::move(admin))},
        system.threads());
  }

  void start() {
    host::Application& application = system_.application();
    services_ = http::with_internal(
        [&application](const Request& request, router::RequestScope& scope, Response& response) {
          application.router().dispatch_path(request, scope, response);
        },
        {.router = &application.router(),
         .token = token_,
         .modules = application.modules(),
         .identity = [&application](std::string_view module) {
           return application.placement().identity(module);
         }});
    placement_ = host::placement_handler(application.placement());
    const auto collect = [this](observe::Scrape& scrape) {
      public_->collect(scrape);
      if (admin_) admin_->collect(scrape);
    };
    collector_ = application.metrics().add(collect);
    public_->start();
    if (admin_) admin_->start();
  }

  /// False when a second signal or the time limit ended it early.
  bool drain(const sigset_t& signals, io::Millis delay) {
    draining_ = true;
    public_->announce_close();
    if (wait_for_signal(signals, delay)) return false;
    const bool drained = public_->drain(io::Clock::now() + kDrain);
    if (admin_) admin_->drain(io::Clock::now() + io::Millis(200));
    collector_.reset();
    return drained;
  }

  /// As another host's CLEAVE_…_URL takes it.
  std::string url() const {
    const std::string& address = public_->address();
    return address.starts_with("unix:") ? address : "http://" + address;
  }
  std::string admin_address() const { return admin_ ? admin_->address() : "off"; }

 private:
  std::vector<std::string> not_ready() const {
    if (draining_) return {"draining"};
    return system_.application().not_ready();
  }
  System& system_;
  std::string token_;
  // From start() on: the ports are bound before there are modules.
  http::Handler services_, placement_;
  std::unique_ptr<http::Server> public_, admin_;
  std::shared_ptr<void> collector_;
  std::atomic<bool> draining_{false};
};

}  // namespace

int run(Options& options) {
  const io::TimePoint began = io::Clock::now();
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();

  System system(options);
  std::unique_ptr<Servers> servers;
  try {
    servers = std::make_unique<Servers>(options.settings, system);  // a taken port is told at once
  } catch (const std::runtime_error& error) {
    throw Failure(kConfig, error.what());
  }
  system.start();
  host::install_crash_reporter(system.threads());
  auto watchdog = std::make_unique<io::Watchdog>(
      system.threads().loops(), [](const std::string& label, io::Millis held) {
        log::warn("watchdog", "a handler holds its loop; waits must go through the host",
                  {{"handler", label}, {"held_ms", std::to_string(held.count())}});
      });
  servers->start();

  std::vector<std::string> names;
  for (const auto& name : system.application().modules()) names.emplace_back(name);
  const auto took = std::chrono::duration_cast<io::Millis>(io::Clock::now() - began);
  // A guarded module's process shares its parent's log, in which "serving" is the parent's word.
  const bool guarded = std::getenv("CLEAVE_GUARDED") != nullptr;
  log::info("cleave", guarded ? "guarded process up" : "serving",
            {{"address", servers->url()},
             {"admin", servers->admin_address()},
             {"modules", join(names, ",")},
             {"threads", std::to_string(options.settings.threads)},
             {"start_ms", std::to_string(took.count())}});

  int got = 0;
  sigwait(&signals, &got);
  log::info("cleave", "stopping; a second signal ends at once", {{"signal", strsignal(got)}});
  const bool drained = servers->drain(signals, options.settings.drain_delay);
  watchdog.reset();
  if (drained) servers.reset();  // its last word to each connection needs the loops
  if (drained && system.stop()) {
    log::info("cleave", "stopped");
    return kOk;
  }
  log::warn("cleave", "ended with requests still in hand");
  log::shutdown();
  std::_Exit(kFailed);  // their fibers cannot be unwound; the embedded servers end with us
}

}  // namespace cleave::cli
