//! The requests to etcd, each with its answer.

#[allow(clippy::wildcard_imports, reason = "a line for each request below")]
use super::generated::*;
use otp_core::messages::fleet::Why;
use std::future::Future;
use tonic::codegen::tokio_stream::{self, StreamExt};
use tonic::transport::Channel;
use tonic::{Response, Status};

/// The largest answer that is accepted, in bytes. etcd's own limit for a request is 1.5 MiB, and pages are kept
/// smaller.
pub(super) const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// A request with one answer.
pub trait Rpc: Clone + Send + Sync + 'static {
    /// The type of the answer.
    type Answer: Send + 'static;

    /// Sends the request once.
    fn send(
        self,
        channel: Channel,
    ) -> impl Future<Output = Result<Response<Self::Answer>, Status>> + Send;

    /// Returns the revision of the store from the answer, if it has one.
    fn revision(_answer: &Self::Answer) -> Option<i64> {
        None
    }
}

macro_rules! rpcs {
    ($($client:ident :: $type:ident { $($method:ident($request:ident) -> $answer:ident),+ $(,)? })+) => {
        $($(
            impl Rpc for $request {
                type Answer = $answer;

                async fn send(self, channel: Channel) -> Result<Response<$answer>, Status> {
                    let client = $client::$type::new(channel);
                    client.max_decoding_message_size(LARGEST_ANSWER).$method(self).await
                }

                fn revision(answer: &$answer) -> Option<i64> {
                    answer.header.as_ref().map(|header| header.revision)
                }
            }
        )+)+
    };
}

rpcs! {
    kv_client::KvClient {
        range(RangeRequest) -> RangeResponse,
        put(PutRequest) -> PutResponse,
        delete_range(DeleteRangeRequest) -> DeleteRangeResponse,
        txn(TxnRequest) -> TxnResponse,
        compact(CompactionRequest) -> CompactionResponse,
    }
    lease_client::LeaseClient {
        lease_grant(LeaseGrantRequest) -> LeaseGrantResponse,
        lease_revoke(LeaseRevokeRequest) -> LeaseRevokeResponse,
    }
    cluster_client::ClusterClient {
        member_list(MemberListRequest) -> MemberListResponse,
    }
    maintenance_client::MaintenanceClient {
        alarm(AlarmRequest) -> AlarmResponse,
        status(StatusRequest) -> StatusResponse,
        defragment(DefragmentRequest) -> DefragmentResponse,
    }
    auth_client::AuthClient {
        auth_enable(AuthEnableRequest) -> AuthEnableResponse,
        auth_disable(AuthDisableRequest) -> AuthDisableResponse,
        auth_status(AuthStatusRequest) -> AuthStatusResponse,
        authenticate(AuthenticateRequest) -> AuthenticateResponse,
        user_add(AuthUserAddRequest) -> AuthUserAddResponse,
        user_get(AuthUserGetRequest) -> AuthUserGetResponse,
        user_list(AuthUserListRequest) -> AuthUserListResponse,
        user_delete(AuthUserDeleteRequest) -> AuthUserDeleteResponse,
        user_grant_role(AuthUserGrantRoleRequest) -> AuthUserGrantRoleResponse,
        user_revoke_role(AuthUserRevokeRoleRequest) -> AuthUserRevokeRoleResponse,
        role_add(AuthRoleAddRequest) -> AuthRoleAddResponse,
        role_get(AuthRoleGetRequest) -> AuthRoleGetResponse,
        role_list(AuthRoleListRequest) -> AuthRoleListResponse,
        role_delete(AuthRoleDeleteRequest) -> AuthRoleDeleteResponse,
        role_grant_permission(AuthRoleGrantPermissionRequest) -> AuthRoleGrantPermissionResponse,
        role_revoke_permission(AuthRoleRevokePermissionRequest) -> AuthRoleRevokePermissionResponse,
    }
}

/// Renews a lease once.
impl Rpc for LeaseKeepAliveRequest {
    type Answer = LeaseKeepAliveResponse;

    async fn send(self, channel: Channel) -> Result<Response<LeaseKeepAliveResponse>, Status> {
        let mut client = lease_client::LeaseClient::new(channel);
        let answers = client.lease_keep_alive(only(self)).await?;
        first(answers, |_| true).await
    }

    fn revision(answer: &LeaseKeepAliveResponse) -> Option<i64> {
        answer.header.as_ref().map(|header| header.revision)
    }
}

/// Waits for the first events from a revision on. If they are compacted, or the watch is refused, the answer says
/// that it is cancelled.
impl Rpc for WatchCreateRequest {
    type Answer = WatchResponse;

    async fn send(self, channel: Channel) -> Result<Response<WatchResponse>, Status> {
        let client = watch_client::WatchClient::new(channel);
        let mut client = client.max_decoding_message_size(LARGEST_ANSWER);
        let request = WatchRequest {
            request_union: Some(watch_request::RequestUnion::CreateRequest(self)),
        };
        let answers = client.watch(only(request)).await?;
        first(answers, |answer| {
            answer.canceled || !answer.events.is_empty()
        })
        .await
    }
}

/// Makes a stream of one message that stays open: etcd ends some streams that its client ends.
fn only<T>(message: T) -> impl tokio_stream::Stream<Item = T> {
    tokio_stream::once(message).chain(tokio_stream::pending())
}

/// Returns the first wanted message of a stream.
async fn first<T>(
    answers: Response<tonic::Streaming<T>>,
    is_wanted: impl Fn(&T) -> bool,
) -> Result<Response<T>, Status> {
    let mut answers = answers.into_inner();
    while let Some(answer) = answers.message().await? {
        if is_wanted(&answer) {
            return Ok(Response::new(answer));
        }
    }
    Err(Status::unavailable(Why::StreamEnded.to_string()))
}
