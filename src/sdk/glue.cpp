#include <memory>

#include "cleave/module.hpp"

// The C++ side of each lifecycle step. Nothing that is thrown gets past these functions.
namespace cleave::glue {
namespace {

struct Held {
  Host host;
  std::unique_ptr<Module> module;
};

Held& held(void* self) {
  return *static_cast<Held*>(self);
}

void log_error(const Host& host, const char* step, const char* what) noexcept {
  try {
    host.log(CLEAVE_ERROR, std::string(step) + " threw: " + what);
  } catch (...) {  // out of memory: the answer is still given
  }
}

/// Runs a step; its exception is logged and gives false.
template <class Step>
bool contained(const Host& host, const char* name, Step&& step) noexcept {
  try {
    step();
    return true;
  } catch (const std::exception& error) {
    log_error(host, name, error.what());
  } catch (...) {
    log_error(host, name, "something that is no std::exception");
  }
  return false;
}

Request from_raw(const cleave_request& request) {
  return {.method = view(request.method),
          .path = view(request.path),
          .query = view(request.query),
          .body = view(request.body),
          .headers = {request.headers, request.header_count},
          .request_id = view(request.request_id),
          .caller = view(request.caller)};
}

}  // namespace

void* create(const cleave_host* raw_host, Module* (*make)(Host)) noexcept {
  const Host host(raw_host);
  Held* made = nullptr;
  contained(host, "create", [&] {
    std::unique_ptr<Module> module(make(host));
    made = new Held{host, std::move(module)};
  });
  return made;
}

int start(void* self) noexcept {
  return contained(held(self).host, "start", [&] { held(self).module->start(); }) ? 0 : 1;
}

int ready(void* self) noexcept {
  bool ready = false;
  contained(held(self).host, "ready", [&] { ready = held(self).module->ready(); });
  return ready ? 1 : 0;
}

void handle(void* self, const cleave_request* raw_request, const cleave_sink* sink) noexcept {
  Held& mine = held(self);
  contained(mine.host, "handle", [&] {
    const Request request = from_raw(*raw_request);
    Response response;
    const bool answered = contained(mine.host, "handle", [&] {
      try {
        response = mine.module->handle(request);
      } catch (const Problem& problem) {
        response = problem.response(request.request_id);
      }
    });
    if (!answered) {
      response =
          Problem(500, "internal", "This service failed to answer.").response(request.request_id);
    }
    write(response, *sink);
  });
}

int background(void* self) noexcept {
  bool done = false;
  contained(held(self).host, "background", [&] {
    try {
      done = held(self).module->background();
    } catch (const Problem&) {  // as with a request: the database, or the cache, is away
    }
  });
  return done ? 0 : 1;
}

void stop(void* self) noexcept {
  contained(held(self).host, "stop", [&] { held(self).module->stop(); });
}

void destroy(void* self) noexcept {
  delete &held(self);
}

}  // namespace cleave::glue
