// Written by deno task types.

export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  "public": {
    Tables: {
      "api_keys": {
        Row: {
          "created_at": string;
          "display_prefix": string;
          "expires_at": string | null;
          "id": string;
          "key_sha256": string;
          "last_used_at": string | null;
          "name": string;
          "revoked_at": string | null;
          "scopes": (string)[];
          "services": (string)[] | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "display_prefix": string;
          "expires_at"?: string | null;
          "id"?: string;
          "key_sha256": string;
          "last_used_at"?: string | null;
          "name": string;
          "revoked_at"?: string | null;
          "scopes"?: (string)[];
          "services"?: (string)[] | null;
          "tenant_id": string;
        };
        Update: {
          "created_at"?: string;
          "display_prefix"?: string;
          "expires_at"?: string | null;
          "id"?: string;
          "key_sha256"?: string;
          "last_used_at"?: string | null;
          "name"?: string;
          "revoked_at"?: string | null;
          "scopes"?: (string)[];
          "services"?: (string)[] | null;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "api_keys_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "kernels": {
        Row: {
          "created_at": string;
          "display_prefix": string;
          "expires_at": string | null;
          "id": string;
          "key_hmac": string;
          "last_used_at": string | null;
          "name": string;
          "organization_id": string;
          "revoked_at": string | null;
          "scopes": (string)[];
          "services": (string)[] | null;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "display_prefix": string;
          "expires_at"?: string | null;
          "id"?: string;
          "key_hmac": string;
          "last_used_at"?: string | null;
          "name": string;
          "organization_id": string;
          "revoked_at"?: string | null;
          "scopes"?: (string)[];
          "services"?: (string)[] | null;
        };
        Update: {
          "created_at"?: string;
          "display_prefix"?: string;
          "expires_at"?: string | null;
          "id"?: string;
          "key_hmac"?: string;
          "last_used_at"?: string | null;
          "name"?: string;
          "organization_id"?: string;
          "revoked_at"?: string | null;
          "scopes"?: (string)[];
          "services"?: (string)[] | null;
        };
        Relationships: [
          {
            foreignKeyName: "kernels_organization_id_fkey";
            columns: ["organization_id"];
            isOneToOne: false;
            referencedRelation: "organizations";
            referencedColumns: ["id"];
          },
        ];
      };
      "mcp_server_events": {
        Row: {
          "action": string;
          "actor_id": string | null;
          "actor_kind": string;
          "changed_fields": (string)[] | null;
          "id": string;
          "method": string | null;
          "milliseconds": number | null;
          "occurred_at": string;
          "outcome": string | null;
          "registration_id": string;
          "request_id": string | null;
          "server_id": string;
          "tenant_id": string;
          "tool": string | null;
          "version": number;
        };
        ComputedFields: never;
        Insert: {
          "action": string;
          "actor_id"?: string | null;
          "actor_kind": string;
          "changed_fields"?: (string)[] | null;
          "id"?: string;
          "method"?: string | null;
          "milliseconds"?: number | null;
          "occurred_at"?: string;
          "outcome"?: string | null;
          "registration_id": string;
          "request_id"?: string | null;
          "server_id": string;
          "tenant_id": string;
          "tool"?: string | null;
          "version": number;
        };
        Update: {
          "action"?: string;
          "actor_id"?: string | null;
          "actor_kind"?: string;
          "changed_fields"?: (string)[] | null;
          "id"?: string;
          "method"?: string | null;
          "milliseconds"?: number | null;
          "occurred_at"?: string;
          "outcome"?: string | null;
          "registration_id"?: string;
          "request_id"?: string | null;
          "server_id"?: string;
          "tenant_id"?: string;
          "tool"?: string | null;
          "version"?: number;
        };
        Relationships: [];
      };
      "organizations": {
        Row: {
          "created_at": string;
          "id": string;
          "name": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "id"?: string;
          "name": string;
        };
        Update: {
          "created_at"?: string;
          "id"?: string;
          "name"?: string;
        };
        Relationships: [];
      };
      "tenant_mcp_servers": {
        Row: {
          "args": (string)[];
          "command": string;
          "created_at": string;
          "enabled": boolean;
          "id": string;
          "name": string;
          "server_id": string;
          "tenant_id": string;
          "tool_prefix": string;
          "updated_at": string;
          "version": number;
        };
        ComputedFields: never;
        Insert: {
          "args": (string)[];
          "command": string;
          "created_at"?: string;
          "enabled"?: boolean;
          "id"?: string;
          "name": string;
          "server_id": string;
          "tenant_id": string;
          "tool_prefix": string;
          "updated_at"?: string;
          "version"?: number;
        };
        Update: {
          "args"?: (string)[];
          "command"?: string;
          "created_at"?: string;
          "enabled"?: boolean;
          "id"?: string;
          "name"?: string;
          "server_id"?: string;
          "tenant_id"?: string;
          "tool_prefix"?: string;
          "updated_at"?: string;
          "version"?: number;
        };
        Relationships: [
          {
            foreignKeyName: "tenant_mcp_servers_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "tenant_server_revisions": {
        Row: {
          "revision": number;
          "server_count": number;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "revision"?: number;
          "server_count": number;
          "tenant_id": string;
        };
        Update: {
          "revision"?: number;
          "server_count"?: number;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "tenant_server_revisions_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: true;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "tenants": {
        Row: {
          "created_at": string;
          "id": string;
          "max_servers": number;
          "name": string;
          "organization_id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "id"?: string;
          "max_servers"?: number;
          "name": string;
          "organization_id": string;
        };
        Update: {
          "created_at"?: string;
          "id"?: string;
          "max_servers"?: number;
          "name"?: string;
          "organization_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "tenants_organization_id_fkey";
            columns: ["organization_id"];
            isOneToOne: false;
            referencedRelation: "organizations";
            referencedColumns: ["id"];
          },
        ];
      };
    };
    Views: {
      [_ in never]: never;
    };
    Functions: {
      "authenticate_caller": { Args: { "caller": Json }; Returns: Json };
      "authorize_call": { Args: { "caller": Json; "method"?: string; "tool": string }; Returns: Json };
      "authorize_tool": { Args: { "caller": Json; "tool": string }; Returns: Json };
      "count_tenant": { Args: { "tenant_id": string }; Returns: Json };
      "create_organization": { Args: { "name": string }; Returns: Json };
      "create_tenant": { Args: { "name": string; "organization_id": string }; Returns: Json };
      "delete_mcp_server": { Args: { "caller": Json; "if_version"?: number; "server_id": string }; Returns: Json };
      "delete_tenant": { Args: { "tenant_id": string }; Returns: Json };
      "end_call": { Args: { "caller": Json; "event": Json }; Returns: Json };
      "flush_events": { Args: Record<PropertyKey, never>; Returns: undefined };
      "issue_api_key": { Args: { "key": Json; "tenant_id": string }; Returns: Json };
      "issue_kernel": { Args: { "key": Json; "organization_id": string }; Returns: Json };
      "list_api_keys": { Args: { "filter": Json }; Returns: Json };
      "list_callable_servers": { Args: { "caller": Json; "known"?: Json }; Returns: Json };
      "list_events": { Args: { "filter": Json }; Returns: Json };
      "list_kernels": { Args: { "filter": Json }; Returns: Json };
      "list_mcp_server_events": { Args: { "caller": Json; "filter": Json }; Returns: Json };
      "list_mcp_servers": { Args: { "caller": Json; "filter": Json }; Returns: Json };
      "list_organizations": { Args: { "filter": Json }; Returns: Json };
      "list_tenant_servers": { Args: { "filter": Json }; Returns: Json };
      "list_tenants": { Args: { "filter": Json }; Returns: Json };
      "read_status": { Args: Record<PropertyKey, never>; Returns: Json };
      "register_mcp_server": { Args: { "caller": Json; "server": Json }; Returns: Json };
      "revoke_api_key": { Args: { "id": string }; Returns: Json };
      "revoke_kernel": { Args: { "id": string }; Returns: Json };
      "revoke_tenant_api_keys": { Args: { "tenant_id": string }; Returns: Json };
      "set_caller_password": { Args: { "verifier": string }; Returns: Json };
      "set_server_quota": { Args: { "max_servers": number; "tenant_id": string }; Returns: Json };
      "update_mcp_server": {
        Args: { "caller": Json; "changes": Json; "if_version"?: number; "server_id": string };
        Returns: Json;
      };
    };
    Enums: {
      [_ in never]: never;
    };
    CompositeTypes: {
      [_ in never]: never;
    };
  };
};

type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">;

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">];

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof (
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
    )
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals } ? (
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
  )[TableName] extends {
    Row: infer R;
  } ? R
  : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
      Row: infer R;
    } ? R
    : never
  : never;

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
    Insert: infer I;
  } ? I
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I;
    } ? I
    : never
  : never;

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
    Update: infer U;
  } ? U
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U;
    } ? U
    : never
  : never;

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never,
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
    ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never;

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never,
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
    ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never;

export const Constants = {
  "public": {
    Enums: {},
  },
} as const;
