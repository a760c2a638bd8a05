#include "cli/main.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <initializer_list>

#include "cli/commands.hpp"
#include "cli/move.hpp"

namespace cleave::cli {
namespace {

constexpr const char* kVersion = CLEAVE_VERSION;

constexpr const char* kFooter = R"(
Examples:
  cleave run                                    everything in one process, nothing to set up
  cleave call GET /users/1                      one request, no listener, with what it cost
  CLEAVE_ORDER_DATABASE_URL=postgresql://… cleave run --modules order
  cleave check                                  what the module files prove about themselves

Settings come from flags, then the environment (CLEAVE_…), then --config FILE, then defaults.
Exit codes: 0 well, 1 the work failed, 64 usage, 69 a server is missing, 78 configuration.)";

constexpr const char* kUpFooter = R"(
Each group of modules runs in a process of its own, with a PostgreSQL and a Redis for all; "+" joins
modules, "," parts groups, each module is in one group. With more than one group NGINX answers at
--listen, and the hosts, and their admin listeners, are on unix sockets that the table shows. With
one, the host itself answers there, as with `cleave run`. Other settings hold for every host; the
cores are shared out among them, unless --threads says how many loops each has.

NGINX answers to the names localhost, 127.0.0.1, [::1] and the one in --listen (any name, when that
is 0.0.0.0 or [::]), and with 421 to others; GATEWAY_NAMES="shop.example localhost" names others.

A process that ends is started again, after 0.1 s and up to 5 s. Ctrl-C or SIGTERM stops all in
order: NGINX, the hosts, Redis and PostgreSQL; a second one ends all at once.

Logs come on standard error. On a terminal, lines begin with the name of their process; elsewhere
they are JSON objects whose first member "process" is that name, and lines of "up" have none.

  cleave up split                        a process a module
  cleave up user+product,order           two processes
  cleave up fused --guard order          one, and one that may crash)";

/// A command that only asks a running host takes every setting, as a file of them may have all, but
/// its help lists those that matter to it.
void list_only(CLI::App& app, std::initializer_list<std::string> names) {
  for (CLI::Option* option : app.get_options()) {
    const auto listed = [&](const std::string& name) { return option->check_lname(name); };
    if (std::none_of(names.begin(), names.end(), listed)) option->group("");
  }
}

constexpr const char* kChangeFooter = R"(
The host checks that the new place runs the same module, version and database before anything
changes, and says why when it does not; no request fails. Moving to a URL needs the same
CLEAVE_SERVICE_TOKEN in both hosts. GET /placement of the admin listener tells where modules are.

  cleave move order http://127.0.0.1:5003      to the host there
  cleave move order guarded                    into a process of its own
  cleave move order here                       back
  cleave reload order                          the newly built file, where the module is)";

class CommandLine {
 public:
  CommandLine(int argc, char** argv) : options_(argc, argv) {
    app_.require_subcommand(1);
    app_.footer(kFooter);
    app_.set_version_flag("--version", std::string("cleave ") + kVersion);
    app_.get_formatter()->column_width(38);

    command("run", "Serve the modules over HTTP until SIGTERM or Ctrl-C", &run)
        .add_flag("--fresh", options_.settings.fresh, "Remove the embedded servers' data first");
    add_up();
    add_call();
    command("check", "Prove what can be proved about the module files", &check);
    command("migrate", "Apply the migrations in sql/, then end", &migrate);
    add_changes();
    add_seed();
    list_only(command("health", "Ask the host at --listen whether it is ready, for health checks",
                      &health),
              {"help", "listen", "config"});
    command("doctor", "Look for what is missing or wrong on this machine", &doctor);
  }

  int parse_and_run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      // The library would only say that a command is needed.
      const auto unknown = app_.remaining();
      if (!unknown.empty() && app_.get_subcommands().empty()) {
        throw Failure(
            kUsage, "unknown command " + unknown.front() + "; `cleave --help` lists the commands");
      }
      const int code = app_.exit(error);
      return code == 0 ? kOk : kUsage;
    }
    CLI::App& chosen = *app_.get_subcommands().front();
    options_.finish(chosen);
    return actions_.at(chosen.get_name())(options_);
  }

 private:
  CLI::App& command(const std::string& name, const std::string& help,
                    std::function<int(Options&)> action) {
    CLI::App& app = *app_.add_subcommand(name, help);
    options_.add_to(app);
    actions_[name] = std::move(action);
    return app;
  }

  void add_up() {
    CLI::App& app =
        command("up", "Serve the modules in several processes, NGINX in front", nullptr);
    app.add_option("PARTITION", up_.partition, "fused, split, or groups: user+product,order")
        ->required();
    app.add_flag("--fresh", options_.settings.fresh, "Remove the embedded servers' data first");
    app.footer(kUpFooter);
    actions_["up"] = [this, &app](Options& options) {
      up_.given = given_settings(app);
      return up(options, up_);
    };
  }

  void add_call() {
    CLI::App& app = command("call", "Send one request through the router, without a listener",
                            [this](Options& options) { return call(options, call_); });
    app.add_option("METHOD", call_.method, "GET, POST, PUT, DELETE")->required();
    app.add_option("PATH", call_.path, "/users/1, /orders?limit=5")->required();
    app.add_option("BODY", call_.body, "JSON, for POST and PUT");
    app.add_option("--header,-H", call_.headers, "\"Name: value\"; may be given many times");
  }

  void add_changes() {
    const auto act = [this](Options& options) { return change_placement(options, change_); };
    CLI::App& move = command("move", "Move a module of a running host, while it answers", act);
    CLI::App& reload =
        command("reload", "Replace a module of a running host by its newly built file", act);
    for (CLI::App* app : {&move, &reload}) {
      list_only(*app, {"help", "admin-listen", "admin-token", "admin-token-file", "config"});
      app->footer(kChangeFooter);
      app->add_option("MODULE", change_.module, "order")->required();
      app->add_option("--admin", change_.admin, "The host's admin listener; else --admin-listen");
    }
    move.add_option("TO", change_.to, "here, guarded, http://HOST:PORT or unix:PATH")->required();
  }

  void add_seed() {
    CLI::App& app = command("seed", "Fill the databases with made-up rows, the same every time",
                            [this](Options& options) { return seed(options, seed_); });
    for (const std::string& table : seedable_tables(options_.settings.sql_dir)) {
      app.add_option_function<std::uint64_t>(
          "--" + table,
          [this, table](std::uint64_t rows) {
            seed_.rows.push_back({table, rows});
          },
          "Rows to write to " + table);
    }
    app.add_flag("--replace", seed_.replace, "Remove the rows that are there first");
    app.add_option("--seed", seed_.seed, "Number that the rows are made from")
        ->capture_default_str();
  }

  CLI::App app_{"One C++ host for service modules: fused in one process, or split over many."};
  Options options_;
  UpArguments up_;
  CallArguments call_;
  ChangeArguments change_;
  SeedArguments seed_;
  std::map<std::string, std::function<int(Options&)>> actions_;
};

}  // namespace

int main(int argc, char** argv) noexcept {
  int code = kInternal;
  try {
    CommandLine line(argc, argv);
    code = line.parse_and_run(argc, argv);
  } catch (const Failure& failure) {
    std::fprintf(stderr, "cleave: %s\n", failure.what());
    code = failure.code();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cleave: %s\n", error.what());
  }
  log::shutdown();
  return code;
}

}  // namespace cleave::cli
