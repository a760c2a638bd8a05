// Module: the class a service derives from, and CLEAVE_MODULE, which exports it.
//
// The smallest module:
//
//   class Hello final : public cleave::Module {
//    public:
//     static constexpr const char* kName = "hello";
//     static constexpr const char* kPath = "/hello";
//     static constexpr const char* kDependsOn[] = {"user", nullptr};
//     explicit Hello(cleave::Host host) : host_(host) {}
//     cleave::Response handle(const cleave::Request&) override {
//       auto user = host_.call("user", {"GET", "/users/1"});  // which process? not our concern
//       return {200, "hello " + user.body};
//     }
//    private:
//     cleave::Host host_;
//   };
//   CLEAVE_MODULE(Hello);
//
// Lifecycle, each step optional but handle():
//   1. constructor  no I/O; may throw std::exception to refuse (its text is shown)
//   2. start()      dependencies first; quick; never waits for a database
//   3. ready()      while false, requests get 503
//   4. handle()     many at once, on several threads; one fiber each
//      background() beside them, if there is kBackgroundMs; one at a time
//   5. stop()       dependants first; also after a start() that threw; no handle() is running
//   6. destructor
// Optional constants: kVersion ("1.0.0"), kPath (none), kDependsOn (none), kConfig (none),
// kBackgroundMs (none).
#pragma once

#include "cleave/host.hpp"

namespace cleave {

class Module {
 public:
  virtual ~Module() = default;
  virtual void start() {}
  virtual bool ready() const { return true; }
  virtual Response handle(const Request& request) = 0;
  /// Work that no request asks for; again kBackgroundMs after it has ended. False, or an exception:
  /// it could not be done, and is tried again later. A Problem is not logged as an error: the
  /// database may just be away.
  virtual bool background() { return true; }
  virtual void stop() {}
};

namespace glue {
/// Each runs one lifecycle step and lets nothing out: a Problem becomes its answer, any other
/// exception a logged 500. The only code that sees the module as void*.
void* create(const cleave_host* host, Module* (*make)(Host)) noexcept;
int start(void* self) noexcept;
int ready(void* self) noexcept;
void handle(void* self, const cleave_request* request, const cleave_sink* sink) noexcept;
int background(void* self) noexcept;
void stop(void* self) noexcept;
void destroy(void* self) noexcept;

template <class M>
Module* make(Host host) {
  return new M(host);
}

inline constexpr const char* kNone[] = {nullptr};
template <class M>
constexpr cleave_module describe() {
  cleave_module m = {};
  m.magic = CLEAVE_MAGIC;
  m.abi = CLEAVE_ABI;
  m.size = sizeof(cleave_module);
  m.name = M::kName;
  m.version = "1.0.0";
  m.depends_on = kNone;
  m.config_keys = kNone;
  if constexpr (requires { M::kVersion; }) m.version = M::kVersion;
  if constexpr (requires { M::kPath; }) m.path = M::kPath;
  if constexpr (requires { M::kDependsOn; }) m.depends_on = M::kDependsOn;
  if constexpr (requires { M::kConfig; }) m.config_keys = M::kConfig;
  m.create = [](const cleave_host* host) { return create(host, &make<M>); };
  m.start = &start;
  m.ready = &ready;
  m.handle = &handle;
  m.stop = &stop;
  m.destroy = &destroy;
  if constexpr (requires { M::kBackgroundMs; }) {
    m.background = &background;
    m.background_ms = M::kBackgroundMs;
  }
  return m;
}
}  // namespace glue
}  // namespace cleave

/// Exports M as this library's module. Once a library, at namespace scope.
#define CLEAVE_MODULE(M)                                                  \
  extern "C" CLEAVE_EXPORT const cleave_module* cleave_module_v1() {      \
    static constexpr cleave_module kModule = cleave::glue::describe<M>(); \
    return &kModule;                                                      \
  }                                                                       \
  static_assert(true, "so that a semicolon follows")
