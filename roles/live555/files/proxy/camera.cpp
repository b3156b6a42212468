#include "camera.hh"

#include <GroupsockHelper.hh>
#include <MediaSink.hh>

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

LoopbackScope::LoopbackScope() { ReceivingInterfaceAddr = htonl(INADDR_LOOPBACK); }
LoopbackScope::~LoopbackScope() { ReceivingInterfaceAddr = INADDR_ANY; }

// ---- CameraClient

bool CameraClient::isConnected() const {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  return socketNum() >= 0 && getpeername(socketNum(), reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

void CameraClient::fail(Trouble trouble, std::string const& reason) {
  if (trouble_ != Trouble::none) return;  // the first reason is the true one
  trouble_ = trouble;
  reason_ = reason;
}

CameraClient::Command CameraClient::commandOf(char const* name) {
  if (std::strcmp(name, "DESCRIBE") == 0) return describe;
  if (std::strcmp(name, "SETUP") == 0) return setup;
  if (std::strcmp(name, "PLAY") == 0) return play;
  if (std::strcmp(name, "OPTIONS") == 0) return options;
  return other;
}

// Takes note of an answer (result: 0 for 200, above 0 the status, below 0 no answer), then lets the library go on
// with it; not when it failed, for the library would then start over in its own slow way.
template <CameraClient::Command command>
void CameraClient::intercept(RTSPClient* client, int result, char* text) {
  auto& self = static_cast<CameraClient&>(*client);
  bool const accepted = self.accepts(command, result);
  responseHandler* const library = self.libraryHandler_[command];
  if (accepted && library != nullptr) {
    library(client, 0, text);  // takes text over
  } else {
    delete[] text;
  }
}

bool CameraClient::accepts(Command command, int result) {
  static constexpr char const* names[other] = {"DESCRIBE", "SETUP", "PLAY", "OPTIONS"};
  if (result < 0) {
    fail(Trouble::away, isDescribed() ? "the connection ended" : "no connection");
    return false;
  }
  lastAnswer_ = Clock::now();
  if (command == options) return true;  // an error is a sign of life, too
  if (result == 401 || result == 403) {
    fail(Trouble::forbidden, "it does not accept the user name or password (" + std::to_string(result) + ")");
    return false;
  }
  if (result != 0) {
    fail(Trouble::unfit, std::string("it answers ") + names[command] + " with " + std::to_string(result));
    return false;
  }
  if (command == describe) described_ = true;
  return true;
}

unsigned CameraClient::sendRequest(RequestRecord* request) {
  Command const command = commandOf(request->commandName());
  // A described session lives and dies with its connection: never let the library open a second one, or ask for a
  // second description (it does after an RTCP BYE).
  if (isDescribed() && command == describe) fail(Trouble::away, "it ended the stream");
  if (isDescribed() && socketNum() < 0) fail(Trouble::away, "the connection ended");
  bool const farewell = command == other && socketNum() >= 0;  // TEARDOWN and PAUSE
  if (trouble_ != Trouble::none && !farewell) {
    delete request;
    return 0;
  }
  static constexpr responseHandler* ours[other] = {intercept<describe>, intercept<setup>, intercept<play>,
                                                   intercept<options>};
  if (command != other && request->handler() != ours[command] && request->handler() != probed) {
    libraryHandler_[command] = request->handler();
    request->handler() = ours[command];
  }
  if (command == play) toldToPlay_ = true;
  if (std::strcmp(request->commandName(), "PAUSE") == 0) toldToPlay_ = false;
  return RTSPClient::sendRequest(request);
}

// Not through intercept(): that would start another of the library's chains of OPTIONS with every answer.
void CameraClient::probed(RTSPClient* client, int result, char* text) {
  static_cast<CameraClient&>(*client).accepts(options, result);
  delete[] text;
}

void CameraClient::probe() { sendOptionsCommand(probed); }

// ---- CameraSession

namespace {

ProxyRTSPClient* makeClient(ProxyServerMediaSession& session, char const* url, char const* username,
                            char const* password, portNumBits tunnelPort, int verbosity, int socket) {
  return new CameraClient(session, url, username, password, tunnelPort, verbosity, socket);
}

char const* orNull(std::string const& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

CameraSession::CameraSession(UsageEnvironment& env, ViewerServer& server, std::string const& id,
                             CameraConfig const& config)
    // The odd port number is the library's code for "RTP inside the RTSP connection".
    : ProxyServerMediaSession(env, &server, config.url.c_str(), id.c_str(), orNull(config.username),
                              orNull(config.password), config.overTcp ? static_cast<portNumBits>(~0) : 0,
                              /*verbosity: the next level would log credentials*/ 0, -1, nullptr, makeClient),
      overTcp_(config.overTcp) {}

Groupsock* CameraSession::createGroupsock(sockaddr_storage const& address, Port) {
  // For viewers over UDP, which we do not serve; the library makes the sockets anyway. Not on every interface.
  LoopbackScope scope;
  return new Groupsock(envir(), address, Port(0), 255);
}

bool CameraSession::prepare() {
  if (fClientMediaSession == nullptr) return false;
  char* const sdp = generateSDPDescription(AF_INET);  // also makes the sources
  bool const usable = sdp != nullptr;
  delete[] sdp;
  if (!overTcp_) return usable;
  // The library has opened UDP sockets that RTP over TCP never uses, on every interface. Close them.
  MediaSubsessionIterator tracks(*fClientMediaSession);
  for (MediaSubsession* track = tracks.next(); track != nullptr; track = tracks.next()) {
    Groupsock* const rtp = track->rtpSource() == nullptr ? nullptr : track->rtpSource()->RTPgs();
    Groupsock* const rtcp = track->rtcpInstance() == nullptr ? nullptr : track->rtcpInstance()->RTCPgs();
    for (Groupsock* groupsock : {rtp, rtcp}) {
      if (groupsock == nullptr) continue;
      envir().taskScheduler().disableBackgroundHandling(groupsock->socketNum());
      groupsock->reset();
    }
  }
  return usable;
}

unsigned long CameraSession::packetsReceived() const {
  unsigned long total = 0;
  if (fClientMediaSession == nullptr) return total;
  MediaSubsessionIterator tracks(*fClientMediaSession);
  for (MediaSubsession* track = tracks.next(); track != nullptr; track = tracks.next()) {
    if (track->rtpSource() != nullptr) total += track->rtpSource()->receptionStatsDB().totNumPacketsReceived();
  }
  return total;
}

std::string CameraSession::trackNames() const {
  std::string names;
  MediaSubsessionIterator tracks(*fClientMediaSession);
  for (MediaSubsession* track = tracks.next(); track != nullptr; track = tracks.next()) {
    if (!names.empty()) names += ", ";
    for (char const* c = track->codecName(); *c != '\0' && names.size() < 200; ++c) {
      names += *c > 0x20 && *c < 0x7f ? *c : '?';
    }
  }
  return names;
}

void CameraSession::drain(ViewerServer const& server) {
  if (!overTcp_ || fClientMediaSession == nullptr) return;
  waste_.resize(OutPacketBuffer::maxSize);  // a smaller one would make the library report frames as cut
  MediaSubsessionIterator tracks(*fClientMediaSession);
  unsigned number = 0;
  for (MediaSubsession* track = tracks.next(); track != nullptr; track = tracks.next(), ++number) {
    RTPSource* const source = track->rtpSource();
    bool const isSetUp = source != nullptr && track->sessionId() != nullptr;
    if (!isSetUp || server.isRead(number)) continue;
    auto drain = std::find_if(drains_.begin(), drains_.end(), [&](Drain const& d) { return &d.source == source; });
    if (drain == drains_.end()) drain = drains_.insert(drains_.end(), Drain{*source, waste_});
    if (!drain->isOpen && !source->isCurrentlyAwaitingData()) drain->next();
  }
}

void CameraSession::stopDraining() {
  for (Drain& drain : drains_) {
    if (drain.isOpen) drain.source.stopGettingFrames();
    drain.isOpen = false;
  }
}

void CameraSession::Drain::next() {
  isOpen = true;
  source.getNextFrame(buffer.data(), static_cast<unsigned>(buffer.size()), got, this, closed, this);
}

void CameraSession::Drain::got(void* self, unsigned, unsigned, timeval, unsigned) { static_cast<Drain*>(self)->next(); }

void CameraSession::Drain::closed(void* self) { static_cast<Drain*>(self)->isOpen = false; }
