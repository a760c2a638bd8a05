#include "cleave/message.hpp"

namespace cleave {

std::string_view Request::header(std::string_view name) const noexcept {
  for (const cleave_header& header : headers) {
    if (iequals(view(header.name), name)) return view(header.value);
  }
  return {};
}

std::string_view Response::header(std::string_view name) const noexcept {
  for (const Header& header : headers) {
    if (iequals(header.name, name)) return header.value;
  }
  return {};
}

cleave_sink ResponseSink::raw() noexcept {
  cleave_sink sink;
  sink.self = this;
  sink.status = [](void* self, int status) {
    auto& to = *static_cast<ResponseSink*>(self);
    if (++to.answers_ == 1) to.into_.status = status;
  };
  sink.header = [](void* self, cleave_view name, cleave_view value) {
    auto& to = *static_cast<ResponseSink*>(self);
    if (to.answers_ == 1) to.into_.set(view(name), view(value));
  };
  sink.body = [](void* self, cleave_view chunk) {
    auto& to = *static_cast<ResponseSink*>(self);
    if (to.answers_ == 1) to.into_.body.append(chunk.data, chunk.size);
  };
  return sink;
}

void write(const Response& response, const cleave_sink& sink) {
  sink.status(sink.self, response.status);
  for (const Header& header : response.headers) {
    sink.header(sink.self, raw(header.name), raw(header.value));
  }
  if (!response.body.empty()) sink.body(sink.self, raw(response.body));
}

}  // namespace cleave
