#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <termios.h>

#include "mth5/descriptor.hpp"
#include "support/process.hpp"
#include "support/sim.hpp"
#include "support/support.hpp"

/// mth5-sim over TCP and pty: every byte arrives, once, whoever comes, goes or dawdles.
namespace {

using support::Process;
using support::read_all;
using support::sim;
using support::tcp_connect;
using testing::HasSubstr;

const std::string kRecording = (support::data() / "lemi424" / "202010020000.TXT").string();
constexpr std::size_t kLine = 151;
const std::string kListening = "listening on 127.0.0.1:(\\d+)";

std::string recorded() { return support::read_text(kRecording); }

/// Six hours of counter lines in dir/day.TXT, 3 MB.
std::string make_day(const support::TempDir& dir) {
  const auto path = dir / "day.TXT";
  const auto made =
      support::run(sim({"--to", "file:" + path.string(), "--signal", "counter", "--duration", "6h", "--speed", "max"}));
  EXPECT_EQ(made.code, 0) << made.err;
  return support::read_text(path);
}

bool link_is_there(const std::filesystem::path& link) { return std::filesystem::exists(std::filesystem::symlink_status(link)); }

/// A socket on a free port of the loopback. @returns it and the port
std::pair<mth5::Descriptor, std::string> bound(int kind) {
  mth5::Descriptor fd{socket(AF_INET, kind | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  EXPECT_EQ(bind(fd.get(), generic, length), 0);
  EXPECT_EQ(getsockname(fd.get(), generic, &length), 0);
  return {std::move(fd), std::to_string(ntohs(address.sin_port))};
}

TEST(SimTcp, ListensAndLosesNothingToASlowReader) {
  const support::TempDir dir;
  const auto day = make_day(dir);
  auto sender = Process::start(sim({"--to", "tcp-listen:127.0.0.1:0", "--replay", (dir / "day.TXT").string(), "--speed", "max"}));
  const auto port = sender.wait_for_output(kListening);
  ASSERT_TRUE(port) << sender.err();
  const auto client = tcp_connect(*port);
  EXPECT_TRUE(read_all(client.get(), {.block = 10000, .nap_every = 10}) == day);
  shutdown(client.get(), SHUT_RDWR);
  EXPECT_EQ(sender.wait(), 0);
}

TEST(SimTcp, ConnectsAsSoonAsSomebodyListens) {
  const auto [listener, port] = bound(SOCK_STREAM);  // not yet listening: connections are refused
  auto sender = Process::start(sim({"--to", "tcp:127.0.0.1:" + port, "--replay", kRecording, "--speed", "max"}));
  ASSERT_TRUE(sender.wait_for_output("refused; trying again")) << sender.err();
  ASSERT_EQ(listen(listener.get(), 1), 0);
  {
    const mth5::Descriptor peer{accept(listener.get(), nullptr, nullptr)};
    EXPECT_EQ(read_all(peer.get()), recorded());
  }
  EXPECT_EQ(sender.wait(), 0);
}

TEST(SimUdp, SendsEachRecordAsADatagram) {
  const support::TempDir dir;
  const auto [receiver, port] = bound(SOCK_DGRAM);
  const auto truth = dir / "truth.csv";
  const auto sent = support::run(sim({"--to", "udp:127.0.0.1:" + port, "--signal", "counter", "--duration", "100s", "--speed",
                                      "max", "--fault", "drop=0.1,garbage=0.1,duplicate=0.1", "--truth", truth.string()}));
  EXPECT_EQ(sent.code, 0) << sent.err;
  std::vector<std::size_t> expected, received;
  for (const auto& row : support::truth_rows(truth))
    if (const auto bytes = std::stoul(row.at("bytes")); bytes > 0) expected.push_back(bytes);
  char datagram[65536];
  for (ssize_t n = 0; (n = recv(receiver.get(), datagram, sizeof datagram, MSG_DONTWAIT)) > 0;)
    received.push_back(static_cast<std::size_t>(n));
  EXPECT_GT(expected.size(), 90u);
  EXPECT_EQ(received, expected);
}

TEST(SimUdp, SendsEachChannelOfAShakeAsADatagram) {
  const support::TempDir dir;
  const auto [receiver, port] = bound(SOCK_DGRAM);
  const auto sent = support::run({support::program("mth5-sim"), "rs4d", "--to", "udp:127.0.0.1:" + port, "--signal", "counter",
                                  "--duration", "5s", "--speed", "max", "--truth", (dir / "truth.csv").string()});
  EXPECT_EQ(sent.code, 0) << sent.err;
  std::vector<std::string> received;
  std::size_t bytes = 0;
  char datagram[65536];
  for (ssize_t n = 0; (n = recv(receiver.get(), datagram, sizeof datagram, MSG_DONTWAIT)) > 0;
       bytes += static_cast<std::size_t>(n))
    received.emplace_back(datagram, static_cast<std::size_t>(n));
  ASSERT_EQ(received.size(), 20u * 4) << "25 samples of four channels each, in 5 s at 100 Hz";
  for (std::size_t i = 0; i < received.size(); ++i)
    EXPECT_THAT(received[i], testing::MatchesRegex("\\{'" +
                                                   std::string(i % 4 == 0   ? "EHZ"
                                                               : i % 4 == 1 ? "ENE"
                                                               : i % 4 == 2 ? "ENN"
                                                                            : "ENZ") +
                                                   "', [0-9]+\\.[0-9]+(, -?[0-9]+){25}\\}"));
  EXPECT_EQ(bytes, support::truth_bytes(dir / "truth.csv"));
}

TEST(SimUdp, DoesNotWaitForWhoIsNotThere) {
  std::string port;
  { port = bound(SOCK_DGRAM).second; }
  const auto sent = support::run(sim({"--to", "udp:127.0.0.1:" + port, "--duration", "10s", "--speed", "max"}));
  EXPECT_EQ(sent.code, 0) << sent.err;
  EXPECT_THAT(sent.err, HasSubstr(": nobody listens there; what is sent is lost\n"));
  EXPECT_THAT(sent.err, HasSubstr("sent 10 records"));
}

TEST(SimTcp, SaysThatThePortIsInUse) {
  auto first = Process::start(sim({"--to", "tcp-listen:127.0.0.1:0"}));
  const auto port = first.wait_for_output(kListening);
  ASSERT_TRUE(port);
  const auto second = support::run(sim({"--to", "tcp-listen:127.0.0.1:" + *port}));
  EXPECT_EQ(second.code, 1);
  EXPECT_EQ(second.err, "mth5-sim: error: tcp-listen:127.0.0.1:" + *port +
                            ": Address already in use; choose another port, or 0 for a free one\n");
  EXPECT_EQ(first.terminate(), 0);
}

TEST(SimTcp, GoesOnWithTheNextLineForTheNextClient) {
  const support::TempDir dir;
  const auto day = make_day(dir);
  const auto truth = dir / "truth.csv";
  auto sender = Process::start(sim(
      {"--to", "tcp-listen:127.0.0.1:0", "--replay", (dir / "day.TXT").string(), "--speed", "max", "--truth", truth.string()}));
  const auto port = sender.wait_for_output(kListening);
  ASSERT_TRUE(port);
  {
    const auto client = tcp_connect(*port);
    EXPECT_EQ(read_all(client.get(), {.limit = 1000}), day.substr(0, 1000));
  }  // closed with unread bytes: a reset
  ASSERT_TRUE(sender.wait_for_output("127.0.0.1:\\d+ went")) << sender.err();
  const auto client = tcp_connect(*port);
  const auto rest = read_all(client.get());
  shutdown(client.get(), SHUT_RDWR);
  EXPECT_EQ(sender.wait(), 0);
  ASSERT_GT(rest.size(), kLine);
  EXPECT_TRUE(day.ends_with(rest)) << rest.substr(0, 2 * kLine);
  EXPECT_EQ(rest.size() % kLine, 0u) << "begins with a whole line";
  EXPECT_THAT(sender.err(), HasSubstr(" " + std::to_string(support::truth_bytes(truth)) + " bytes; faults:"));
}

TEST(SimTcp, DisconnectClosesThePortAndComesBackToIt) {
  auto sender = Process::start(
      sim({"--to", "tcp-listen:127.0.0.1:0", "--replay", kRecording, "--speed", "max", "--fault", "disconnect=100ms@50s"}));
  const auto port = sender.wait_for_output(kListening);
  ASSERT_TRUE(port);
  std::string all;
  {
    const auto client = tcp_connect(*port);
    all = read_all(client.get());
  }
  EXPECT_EQ(all.size(), 50 * kLine);
  ASSERT_TRUE(sender.wait_for_output("disconnected[^]*listening on 127.0.0.1:" + *port)) << sender.err();
  {
    const auto client = tcp_connect(*port);
    all += read_all(client.get());
  }
  EXPECT_EQ(all, recorded());
  EXPECT_EQ(sender.wait(), 0);
  EXPECT_THAT(sender.err(), HasSubstr("faults: disconnect=1"));
}

TEST(SimPty, LosesNothingToASlowReader) {
  const support::TempDir dir;
  const auto day = make_day(dir);
  const auto link = dir / "lemi";
  auto sender = Process::start(sim({"--to", "pty:" + link.string(), "--replay", (dir / "day.TXT").string(), "--speed", "max"}));
  ASSERT_TRUE(sender.wait_for_output("info: pty " + link.string() + " \\(/dev/pts/\\d+\\)")) << sender.err();
  const auto line = support::open_line(link);
  EXPECT_TRUE(read_all(line.get(), {.block = 3000, .nap_every = 50}) == day);
  EXPECT_EQ(sender.wait(), 0);
  EXPECT_FALSE(link_is_there(link));
}

/// The end is where bytes are lost if the line is closed too early: many short ends, with readers of different speed.
TEST(SimPty, LosesNothingAtTheEnd) {
  const support::TempDir dir;
  const auto link = dir / "lemi";
  for (const std::size_t block : {7u, 100u, 1000u, 4096u, 65536u}) {
    for (const std::size_t nap_every : {0u, 20u}) {
      auto sender = Process::start(sim({"--to", "pty:" + link.string(), "--replay", kRecording, "--speed", "max"}));
      ASSERT_TRUE(sender.wait_for_output("info: pty")) << sender.err();
      const auto line = support::open_line(link);
      EXPECT_TRUE(read_all(line.get(), {.block = block, .nap_every = nap_every}) == recorded()) << block << " " << nap_every;
      EXPECT_EQ(sender.wait(), 0);
    }
  }
}

TEST(SimPty, KeepsWhatCameBeforeTheReaderAsItWas) {
  const support::TempDir dir;
  const auto link = dir / "lemi";
  auto sender = Process::start(sim({"--to", "pty:" + link.string(), "--replay", kRecording, "--speed", "max"}));
  ASSERT_TRUE(sender.wait_for_output("nobody reads; waiting")) << sender.err();
  const auto line = support::open_line(link);
  termios settings{};
  ASSERT_EQ(tcgetattr(line.get(), &settings), 0);
  EXPECT_EQ(settings.c_lflag & static_cast<tcflag_t>(ECHO | ICANON), 0u);
  EXPECT_EQ(write(line.get(), "hello", 5), 5);  // a reader's words neither come back nor block; no command, and so no answer
  EXPECT_EQ(read_all(line.get()), recorded());
  EXPECT_EQ(sender.wait(), 0);
}

TEST(SimPty, GivesUpAfterItsLinger) {
  const support::TempDir dir;
  const auto done =
      support::run(sim({"--to", "pty:" + (dir / "lemi").string(), "--duration", "3s", "--speed", "max", "--linger", "100ms"}));
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.err, HasSubstr("lemi: the reader has not taken everything"));
}

TEST(SimPty, UnplugsAndComesBack) {
  const support::TempDir dir;
  const auto link = dir / "lemi";
  auto sender = Process::start(
      sim({"--to", "pty:" + link.string(), "--replay", kRecording, "--speed", "max", "--fault", "disconnect=50ms@1m"}));
  ASSERT_TRUE(sender.wait_for_output("info: pty")) << sender.err();
  std::string all;
  {
    const auto line = support::open_line(link);
    all = read_all(line.get());  // until the hang-up
  }
  EXPECT_EQ(all.size(), 60 * kLine);
  ASSERT_TRUE(sender.wait_for_output("unplugged[^]*info: pty")) << sender.err();
  {
    const auto line = support::open_line(link);
    all += read_all(line.get());
  }
  EXPECT_EQ(all, recorded());
  EXPECT_EQ(sender.wait(), 0);
}

TEST(SimPty, ReplacesOnlyALinkThatLeadsNowhere) {
  const support::TempDir dir;
  const auto file = dir / "file";
  support::write_text(file, "precious");
  EXPECT_THAT(support::run(sim({"--to", "pty:" + file.string()})).err, HasSubstr("exists and is no link to a pty"));
  EXPECT_EQ(support::read_text(file), "precious");

  const auto stale = dir / "stale";
  std::filesystem::create_symlink("/dev/pts/999999", stale);
  auto first = Process::start(sim({"--to", "pty:" + stale.string()}));
  ASSERT_TRUE(first.wait_for_output("info: pty")) << first.err();
  EXPECT_THAT(support::run(sim({"--to", "pty:" + stale.string()})).err, HasSubstr("which is in use"));
  EXPECT_EQ(first.terminate(), 0);
  EXPECT_FALSE(link_is_there(stale));
}

}  // namespace
