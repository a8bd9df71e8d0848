#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <spdlog/logger.h>
#include <boost/asio/io_context.hpp>

#include "acquisition/config/config.hpp"
#include "acquisition/decode/decoder.hpp"
#include "acquisition/ledger/durable.hpp"

/// Where bytes come from: serial ports, sockets, recordings. Thread: io, all of it.
namespace daq::source {

/// What a source tells. Called on the io thread.
struct Listener {
  std::function<void(const decode::Chunk&)> bytes;
  std::function<void()> connected;
  /// The stream broke off, or could not be opened: `reason` is one line with the object in it; it will be tried again.
  std::function<void(const std::string& reason, bool was_connected)> disconnected;
  /// Nothing more will come, ever: the last call of a source, after stop() as well.
  std::function<void()> ended;
  /// Whether `n` more bytes can be taken now; if not, resume() will be called when they can. Asked only by sources that can wait,
  /// and by all of them after stop().
  std::function<bool(std::size_t n)> has_room;
  /// Something that people should know and that ends nothing: one line with the object in it.
  std::function<void(const std::string& what)> told = {};
  /// What went wrong before there were bytes: how many, to be counted, and one line with the object in it.
  std::function<void(ledger::InputFault fault, std::uint64_t n, const std::string& what)> fault = {};
  /// Bytes that were of use so far: frames, answers, comments. Unset: all are.
  std::function<std::uint64_t()> of_use = {};
  /// Frames so far. Unset: it is not asked whether there are any.
  std::function<std::uint64_t()> frames = {};
  /// Bytes went to the instrument, or had to be dropped because it did not read, or was gone.
  std::function<void(std::size_t sent, std::size_t unsent)> wrote = {};
};

/// Bytes that a source gives at once, at most. A ring that has no room for what so many can become would be waited for in vain.
inline constexpr std::size_t kLongestRead = 65536;

/// A piece of a stream of bytes that has just come.
[[nodiscard]] decode::Chunk arrived(const char* bytes, std::size_t n, bool datagram = false);

/// Starts nothing before start().
class Source {
 public:
  virtual ~Source() = default;
  virtual void start() = 0;
  /// Asks it to end: what the kernel has received already is still taken, then ended() is called, later.
  virtual void stop() = 0;
  /// There is room again after has_room() said no.
  virtual void resume() {}
  /// What of a stream a power cut cannot cost any more; before start(): as it was left by the daemon before. A source that can
  /// ask for data again goes on from there.
  virtual void durable(const ledger::Durable& /*position*/) {}
};

/// @param until_eof  an end of the stream (file read, peer closed, line hung up) ends the source instead of being tried again
[[nodiscard]] std::unique_ptr<Source> make_source(boost::asio::io_context& io, const config::Source& config, bool until_eof,
                                                  Listener listener);

}  // namespace daq::source
